"""The guard: rows, gaps and states that training did not show."""

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.preprocessing import QuantileTransformer

import LNN
from LNN import LiquidRegressor, LNNWarning
from LNN.exceptions import InvalidInputError, InvalidModelFileError
from LNN.export.checks import _check_input_range
from LNN.safety import guard

T = np.arange(120.0)
X = np.column_stack([np.sin(0.2 * T), 5 + np.cos(0.1 * T)])
Y = X[:, 0] * X[:, 1]
WHEN = np.cumsum(np.tile([1.0, 2.0, 4.0], 40))


def fitted(**how):
    how = {"window_length": 6, "epochs": 1, "early_stopping": False} | how
    return LiquidRegressor(6, random_state=0, **how)


@pytest.mark.parametrize("window_length", [1, 6, None])
def test_the_range_is_that_of_the_rows(window_length):
    model = fitted(window_length=window_length).fit(X, Y)
    known = model.model_.input_range
    assert (known.low == X.min(axis=0)).all()
    assert (known.high == X.max(axis=0)).all()
    assert not guard(model, X).outside.any()


def test_sequences_have_the_range_of_all_their_steps():
    cube = X.reshape(12, 10, 2)
    ragged = [X[:3], X[3:50], X[50:]]
    for data in (cube, ragged):
        model = fitted(layout="auto").fit(data, np.arange(float(len(data))))
        assert (model.model_.input_range.high == X.max(axis=0)).all()
        found = guard(model, data)
        assert found.flagged.shape == (len(data),)
        assert not found.outside.any()
    found = guard(model, [X[:3], np.vstack([X[:4], [[9.0, 5.0]], X[:4]])])
    assert found.outside[:, 0].astype(bool).tolist() == [False, True]


def test_rows_of_weight_0_and_missing_values_do_not_count():
    wild, weight = X.copy(), np.ones(len(X))
    wild[60, 0], weight[60:66] = 100.0, 0.0
    known = fitted().fit(wild, Y, sample_weight=weight).model_.input_range
    assert known.high[0] == X[:, 0].max()
    holes = X.copy()
    holes[5, 1] = np.nan
    model = fitted(missing="hold").fit(holes, Y)
    assert np.isfinite(model.model_.input_range.low).all()
    assert guard(model, holes).outside[5, 1] == 0


def test_partial_fit_widens_the_range():
    model = fitted().partial_fit(X, Y)
    before = model.model_.input_range
    model.partial_fit(3 * X, Y)
    assert (model.model_.input_range.high == 3 * X.max(axis=0)).all()
    assert (before.high == X.max(axis=0)).all()


def test_how_far_outside_is_in_units_of_the_scaler():
    model = fitted().fit(X, Y)
    rows = X[:8].copy()
    rows[7] = X.max(axis=0) + [2.0, 0.0]
    rows[6, 1] = X[:, 1].min() - 1
    found, scale = guard(model, rows), model.model_.scaler.scale_
    np.testing.assert_allclose(found.outside[7], [2 / scale[0], 0])
    np.testing.assert_allclose(found.outside[6], [0, -1 / scale[1]])
    assert found.flagged[6:].all()


def test_gaps_outside_of_training():
    model = fitted().fit(X, Y, timestamps=WHEN)
    found = guard(model, X[:4], timestamps=[0.0, 0.5, 2.5, 10.5])
    assert found.gap.tolist() == [1, 0.5, 1, 2]
    assert found.flagged[[1, 3]].all()


def test_a_clock_that_jitters_is_no_doubt_and_a_lost_row_is():
    when = 3600.0 * np.arange(len(X))
    model = fitted().fit(X, Y, timestamps=when)
    jittered = when + np.random.default_rng(0).uniform(-60, 60, len(X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LNNWarning)  # equal gaps were all it learnt
        assert not guard(model, X, timestamps=jittered).flagged.any()
        lost = guard(model, np.delete(X, 50, axis=0), timestamps=np.delete(when, 50))
    assert np.flatnonzero(lost.flagged).tolist() == [50]


def test_saturation_is_the_share_of_states_at_their_bounds():
    model = fitted(model_type="LTC", window_length=None).fit(X, Y)
    calm = guard(model, X).saturated
    assert ((calm >= 0) & (calm <= 1)).all()
    explicit = fitted(model_type="LTC", solver="explicit").fit(X, Y)
    assert guard(explicit, X).saturated is None


def test_pickles_and_files_keep_the_range(tmp_path):
    model = fitted().fit(X, Y)
    LNN.export.save(model, tmp_path / "m.npz")
    for again in (
        pickle.loads(pickle.dumps(model)),
        LNN.load(tmp_path / "m.npz"),
    ):
        known = again.model_.input_range
        assert (known.high == X.max(axis=0)).all()


def test_an_older_model_says_that_it_knows_no_range():
    model = fitted().fit(X, Y).model_
    plain = model.to_plain()
    del plain["input_range"]
    old = type(model).from_plain(plain)
    assert old.input_range is None
    with pytest.raises(InvalidInputError, match="Fit it again"):
        guard(old, X)
    with pytest.raises(InvalidInputError, match="Fit it again"):
        guard(replace(model, input_range=None), X)


def test_answers_per_step_have_their_layout():
    cube = X.reshape(12, 10, 2)
    model = LiquidRegressor(6, return_sequences=True, epochs=1, random_state=0)
    model.fit(cube, Y.reshape(12, 10))
    strange = cube.copy()
    strange[3, 4, 1] = 50.0
    found = guard(model, strange)
    assert found.flagged.shape == found.saturated.shape == (12, 10)
    assert np.argwhere(found.outside).tolist() == [[3, 4, 1]]
    lists = guard(model, [strange[3], strange[0, :4]])
    assert [len(part) for part in lists.flagged] == [10, 4]


def test_files_with_other_ranges_are_refused():
    state = fitted().fit(X, Y)
    plain = state.__getstate__() | {"model_": state.model_.to_plain()}
    known = plain["model_"]["input_range"]
    for wrong in ({"low": known["low"]}, {"low": known["high"], "high": known["low"]}):
        with pytest.raises(InvalidModelFileError, match="ranges of inputs"):
            _check_input_range(wrong, plain["model_"])
    with pytest.raises(InvalidModelFileError, match="a range of each input"):
        _check_input_range({"low": np.zeros(3), "high": np.ones(3)}, plain["model_"])


def test_a_transformer_as_scale_gives_widths_of_the_range():
    model = fitted(scale=QuantileTransformer(n_quantiles=20)).fit(X, Y)
    rows = X[:1] + [[10.0, 0.0]]
    beyond = (rows[0, 0] - X[:, 0].max()) / np.ptp(X[:, 0])
    np.testing.assert_allclose(guard(model, rows).outside, [[beyond, 0.0]])
