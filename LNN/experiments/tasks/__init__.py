"""All tasks of the experiments, by name."""

from LNN.experiments.tasks import (
    cheetah,
    gesture,
    mnist,
    occupancy,
    ozone,
    person,
    physionet,
    power,
    traffic,
    walker2d,
    xor,
)

__all__ = ["TASKS"]

TASKS = {
    task.name: task
    for task in (
        cheetah.TASK,
        walker2d.TASK,
        gesture.TASK,
        occupancy.TASK,
        xor.EVENT,
        ozone.TASK,
        traffic.TASK,
        xor.DENSE,
        power.HOURS,
        power.FIRST_MINUTES,
        person.TASK,
        mnist.ROWS,
        mnist.EVENTS,
        physionet.TASK,
    )
}
