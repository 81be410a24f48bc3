"""A loss that is not finite: the error names what is to blame."""

import numpy as np
import pytest

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import NonFiniteLossError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 9, 2))
TIME = np.cumsum(RANDOM.exponential(1, (60, 9)) ** 4, axis=1)
TASKS = {LiquidRegressor: X[:, 0, 0], LiquidClassifier: X[:, 0, 0] > 0}


def fit(kind, method="fit", y=None, **settings):
    model = kind(8, epochs=3, random_state=0, **settings)
    y = TASKS[kind] if y is None else y
    return getattr(model, method)(X, y, timestamps=TIME)


@pytest.mark.parametrize("solver", ["explicit", "rk4"])
@pytest.mark.parametrize(
    ("kind", "method"),
    [
        (LiquidRegressor, "fit"),
        (LiquidRegressor, "partial_fit"),
        (LiquidClassifier, "fit"),
    ],
)
def test__explicit_solver__long_gaps__error_names_solver_and_the_way_out(
    kind, solver, method
):
    advice = f'solver="{solver}" explodes where a gap.*semi-implicit.*ode_unfolds'
    with pytest.raises(NonFiniteLossError, match=advice) as error:
        fit(kind, method, model_type="LTC", solver=solver)
    assert "Otherwise lower learning_rate" in str(error.value)


def test__explicit_solver__long_gaps_of_validation__error_names_solver():
    model = LiquidRegressor(
        8, model_type="LTC", solver="explicit", epochs=2, random_state=0
    )
    calm, y = np.cumsum(np.ones((60, 9)) + 0.1 * X[:, :, 0] ** 2, axis=1), X[:, 0, 0]
    with (
        pytest.warns(match="never learnt to use such gaps"),
        pytest.raises(NonFiniteLossError, match='solver="explicit" explodes'),
    ):
        model.fit(
            X, y, timestamps=calm, X_val=X, y_val=y, timestamps_val=1e4 * TIME + 1e6
        )


@pytest.mark.parametrize("settings", [{"model_type": "LTC"}, {}])
def test__solver_that_is_not_to_blame__is_not_named(settings):
    with pytest.raises(NonFiniteLossError, match=r"epochs?|epoch 1") as error:
        fit(LiquidRegressor, y=1e300 * X[:, 0, 0], scale_target=False, **settings)
    assert "solver" not in str(error.value)
    assert "Lower learning_rate" in str(error.value)
