"""Time inside scikit-learn's tools: the same as a loop by hand, or an error.

Rows keep their time in a DatetimeIndex or in `time_column=`, and their recording in
`group_column=` or a MultiIndex. Each tool must then give what plain arrays with
`timestamps=` and `groups=` give, cut by hand. Tools that make an array of a frame lose
its index, which no estimator can see: there only a column given by number is safe.

Tested elsewhere (test_sklearn_tools.py): cross_val_predict with GroupKFold on an array,
permutation_importance on a fitted model, a StandardScaler over an index or a column,
timestamps routed through a Pipeline, TransformedTargetRegressor and cross_validate.
Time without tools: test_time.py.
"""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer, log_loss, r2_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    permutation_test_score,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from tiny import TINY

from LNN import LiquidClassifier, LiquidRegressor
from LNN.exceptions import InvalidInputError

SETTINGS = TINY | {"epochs": 1, "window_length": 4, "dtype": "float64"}
Regressor = partial(LiquidRegressor, **SETTINGS)
Classifier = partial(LiquidClassifier, **SETTINGS)
N = 48

_random = np.random.default_rng(0)
TIME = np.cumsum(_random.choice([1.0, 2.0, 5.0, 30.0], N))
DATES = pd.Timestamp("2024-05-01") + pd.to_timedelta(TIME, unit="s")
GROUPS = np.arange(N) % 4
X = np.column_stack([np.sin(TIME / 9), _random.normal(size=N)])
Y = X[:, 0] + 0.1 * X[:, 1]
LABELS = np.where(_random.permutation(N) % 2, "up", "down")
FRAME = pd.DataFrame(X, columns=["a", "b"])

# How data carry their time: X and the parameters that say where it is.
CARRIERS = {
    "DatetimeIndex": (FRAME.set_index(DATES), {}),
    "TimedeltaIndex": (FRAME.set_index(DATES - DATES[0]), {}),
    "column of dates": (FRAME.assign(t=DATES), {"time_column": "t"}),
    "column of numbers": (FRAME.assign(t=TIME), {"time_column": "t"}),
    "column of an array": (np.column_stack([TIME, X]), {"time_column": 0}),
}
IN_ANY = pytest.mark.parametrize("carrier", CARRIERS)
IN_MAIN = pytest.mark.parametrize(
    "carrier", ["DatetimeIndex", "column of dates", "column of an array"]
)
# The same with four recordings, row by row.
PANELS = {
    "columns": (
        FRAME.assign(t=DATES, who=GROUPS.astype(str)),
        {"time_column": "t", "group_column": "who"},
    ),
    "columns of an array": (
        np.column_stack([X, TIME, GROUPS]),
        {"time_column": 2, "group_column": 3},
    ),
    "MultiIndex": (FRAME.set_index([GROUPS, DATES]), {}),
    "index and column": (
        FRAME.set_index(DATES).assign(who=GROUPS),
        {"group_column": "who"},
    ),
}


def close(left, right):
    """Columns of a wider array lie elsewhere in memory: sums differ in the last bit."""
    np.testing.assert_allclose(left, right, rtol=1e-6, atol=1e-9)


def on(make, y, rows=slice(None), **given):
    """Fit by hand on some rows, with time."""
    given = {name: value[rows] for name, value in given.items()}
    return make().fit(X[rows], y[rows], timestamps=TIME[rows], **given)


def by_hand(make, y, cv, method="predict", **given):
    """Return test rows and predictions of each fold, by a loop with time.

    All carriers are compared with the same ones, which are made once.
    """
    key = (str(make), y.tobytes(), str(cv), method, *given)
    if key not in _FOLDS:
        _FOLDS[key] = list(_folds(make, y, cv, method, **given))
    return _FOLDS[key]


_FOLDS: dict = {}


def _folds(make, y, cv, method, **given):
    cut = {"groups": GROUPS} if isinstance(cv, GroupKFold) else {}
    for train, test in cv.split(X, y, **cut):
        model = on(make, y, train, **given)
        assert not model.model_.clock.regular
        extra = {name: value[test] for name, value in given.items()}
        call = getattr(model, method)
        yield test, call(X[test], timestamps=TIME[test], **extra)


# --------------------------------------------------------------- model selection


@IN_ANY
@pytest.mark.parametrize("cv", [KFold(3), TimeSeriesSplit(3)], ids=["KFold", "series"])
def test__cross_val_score__string_scorer__equals_a_loop_with_time(carrier, cv):
    data, settings = CARRIERS[carrier]
    scores = cross_val_score(
        Regressor(**settings), data, Y, cv=cv, scoring="neg_mean_absolute_error"
    )
    expected = [-np.abs(p - Y[test]).mean() for test, p in by_hand(Regressor, Y, cv)]
    close(scores, expected)
    default = cross_val_score(Regressor(**settings), data, Y, cv=cv)
    close(default, [r2_score(Y[test], p) for test, p in by_hand(Regressor, Y, cv)])


@IN_MAIN
def test__cross_val_score__classes__equals_a_loop_with_time(carrier):
    data, settings = CARRIERS[carrier]
    cv = StratifiedKFold(2)
    scores = cross_val_score(
        Classifier(**settings), data, LABELS, cv=cv, scoring="neg_log_loss"
    )
    folds = by_hand(Classifier, LABELS, cv, "predict_proba")
    close(scores, [-log_loss(LABELS[test], p) for test, p in folds])


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("cv", [GroupKFold(2), TimeSeriesSplit(2)], ids=["group", "t"])
def test__cross_val_score__recordings__equal_a_loop_with_time_and_groups(panel, cv):
    data, settings = PANELS[panel]
    cut = {"groups": GROUPS} if isinstance(cv, GroupKFold) else {}
    scores = cross_val_score(Regressor(**settings), data, Y, cv=cv, scoring="r2", **cut)
    folds = by_hand(Regressor, Y, cv, groups=GROUPS)
    close(scores, [r2_score(Y[test], p) for test, p in folds])


@IN_MAIN
def test__cross_val_predict__rows_drawn_at_random__keep_their_gaps(carrier):
    """KFold(shuffle=True) sorts each part: holes are gaps, which time tells."""
    data, settings = CARRIERS[carrier]
    cv = KFold(2, shuffle=True, random_state=0)
    predicted = cross_val_predict(Regressor(**settings), data, Y, cv=cv)
    for test, expected in by_hand(Regressor, Y, cv):
        close(predicted[test], expected)


@IN_MAIN
def test__cross_val_predict__probabilities__equal_a_loop_with_time(carrier):
    data, settings = CARRIERS[carrier]
    cv, method = StratifiedKFold(2), "predict_proba"
    model = Classifier(**settings)
    proba = cross_val_predict(model, data, LABELS, cv=cv, method=method)
    for test, expected in by_hand(Classifier, LABELS, cv, method):
        close(proba[test], expected)


@IN_MAIN
@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
def test__search__any_carrier__equals_a_loop_with_time(carrier, search):
    data, settings = CARRIERS[carrier]
    cv, rates = TimeSeriesSplit(2), [0.001, 0.05]
    more = {} if search is GridSearchCV else {"n_iter": 2, "random_state": 0}
    found = search(
        Regressor(**settings), {"learning_rate": rates}, cv=cv, scoring="r2", **more
    ).fit(data, Y)
    tried = found.cv_results_["param_learning_rate"].tolist()
    for rate in rates:
        make = partial(Regressor, learning_rate=rate)
        expected = [r2_score(Y[test], p) for test, p in by_hand(make, Y, cv)]
        close(
            found.cv_results_["mean_test_score"][tried.index(rate)], np.mean(expected)
        )
    best = on(partial(Regressor, **found.best_params_), Y)
    close(found.predict(data), best.predict(X, timestamps=TIME))
    close(found.score(data, Y), r2_score(Y, best.predict(X, timestamps=TIME)))


@IN_MAIN
def test__learning_curve__any_carrier__equals_a_loop_with_time(carrier):
    data, settings = CARRIERS[carrier]
    cv = TimeSeriesSplit(2)
    sizes, _, scores = learning_curve(
        Regressor(**settings), data, Y, cv=cv, train_sizes=[8, 14], scoring="r2"
    )
    for k, (train, test) in enumerate(cv.split(X)):
        for size, score in zip(sizes, scores[:, k], strict=True):
            model = on(Regressor, Y, train[:size])
            close(score, model.score(X[test], Y[test], timestamps=TIME[test]))


@IN_MAIN
def test__validation_curve__any_carrier__equals_a_loop_with_time(carrier):
    data, settings = CARRIERS[carrier]
    _, scores = validation_curve(
        Regressor(**settings),
        data,
        Y,
        param_name="window_length",
        param_range=[2, 5],
        cv=TimeSeriesSplit(2),
        scoring="r2",
    )
    for window, score in zip([2, 5], scores, strict=True):
        make = partial(Regressor, window_length=window)
        folds = by_hand(make, Y, TimeSeriesSplit(2))
        close(score, [r2_score(Y[test], p) for test, p in folds])


@IN_MAIN
@pytest.mark.parametrize(
    "tool",
    [
        partial(cross_val_score, cv=ShuffleSplit(2, random_state=0)),
        partial(learning_curve, cv=2, shuffle=True, random_state=0),
    ],
    ids=["ShuffleSplit", "learning_curve"],
)
def test__tools_that_shuffle__any_carrier__are_refused(carrier, tool):
    data, settings = CARRIERS[carrier]
    with pytest.raises(InvalidInputError, match="time goes back.*TimeSeriesSplit"):
        tool(Regressor(**settings), data, Y, error_score="raise")


@IN_MAIN
def test__permutation_test_score__shuffles_targets_only__keeps_time(carrier):
    data, settings = CARRIERS[carrier]
    cv = TimeSeriesSplit(2)
    score, others, _ = permutation_test_score(
        Regressor(**settings), data, Y, cv=cv, n_permutations=1, scoring="r2"
    )
    close(score, np.mean([r2_score(Y[t], p) for t, p in by_hand(Regressor, Y, cv)]))
    assert others.shape == (1,)


@pytest.mark.parametrize("carrier", CARRIERS)
def test__permutation_importance__index_works_and_column_is_refused(carrier):
    data, settings = CARRIERS[carrier]
    model = Regressor(**settings).fit(data, Y)
    seen = []

    def scorer(model, permuted, y):
        seen.append((permuted.to_numpy().copy(), model.score(permuted, y)))
        return seen[-1][1]

    if settings:
        with pytest.raises(InvalidInputError, match="time goes back"):
            permutation_importance(model, data, Y, scoring="r2", random_state=0)
        return
    permutation_importance(model, data, Y, scoring=scorer, random_state=0)
    hand = on(Regressor, Y)
    assert len(seen) == 1 + 2 * 5
    for permuted, score in seen:
        close(score, hand.score(permuted, Y, timestamps=TIME))


# --------------------------------------------------------------- ensembles


@IN_ANY
def test__voting__regressors__are_those_of_a_loop_with_time(carrier):
    data, settings = CARRIERS[carrier]
    members = [(str(k), Regressor(**settings, random_state=k)) for k in range(2)]
    voting = VotingRegressor(members).fit(data, Y)
    expected = [
        on(partial(Regressor, random_state=k), Y).predict(X, timestamps=TIME)
        for k in range(2)
    ]
    close(voting.predict(data), np.mean(expected, axis=0))


@IN_MAIN
def test__voting__classifiers__are_those_of_a_loop_with_time(carrier):
    data, settings = CARRIERS[carrier]
    members = [(str(k), Classifier(**settings, random_state=k)) for k in range(2)]
    voting = VotingClassifier(members, voting="soft").fit(data, LABELS)
    expected = [
        on(partial(Classifier, random_state=k), LABELS).predict_proba(
            X, timestamps=TIME
        )
        for k in range(2)
    ]
    close(voting.predict_proba(data), np.mean(expected, axis=0))


@IN_MAIN
def test__stacking__regressor__sees_what_a_loop_with_time_gives(carrier):
    data, settings = CARRIERS[carrier]
    stack = StackingRegressor([("lnn", Regressor(**settings))], Ridge(), cv=KFold(2))
    seen = np.empty((N, 1))
    for test, predicted in by_hand(Regressor, Y, KFold(2)):
        seen[test, 0] = predicted
    whole = on(Regressor, Y).predict(X, timestamps=TIME)
    expected = Ridge().fit(seen, Y).predict(whole[:, None])
    close(stack.fit(data, Y).predict(data), expected)


@IN_MAIN
def test__stacking__classifier__sees_what_a_loop_with_time_gives(carrier):
    data, settings = CARRIERS[carrier]
    cv, method = StratifiedKFold(2), "predict_proba"
    stack = StackingClassifier(
        [("lnn", Classifier(**settings))], LogisticRegression(), cv=cv
    )
    seen = np.empty((N, 1))
    for test, proba in by_hand(Classifier, LABELS, cv, method):
        seen[test, 0] = proba[:, 1]
    final = LogisticRegression().fit(seen, LABELS)
    whole = on(Classifier, LABELS).predict_proba(X, timestamps=TIME)[:, 1:]
    close(stack.fit(data, LABELS).predict_proba(data), final.predict_proba(whole))


BY_NUMBER = {
    "array": (np.column_stack([X, TIME]), {"time_column": 2}),
    "frame": (FRAME.assign(t=TIME), {"time_column": 2}),
}


@pytest.mark.parametrize("carrier", BY_NUMBER)
@pytest.mark.parametrize("bootstrap", [True, False])
def test__bagging__column_by_number__draws_weights_and_keeps_the_order(
    carrier, bootstrap
):
    """Rows are drawn by sample_weight, so that each still sees its own past."""
    data, settings = BY_NUMBER[carrier]
    bagging = BaggingRegressor(
        Regressor(**settings),
        n_estimators=2,
        max_samples=0.7,
        bootstrap=bootstrap,
        random_state=0,
    ).fit(data, Y)
    parts = []
    for member, drawn in zip(
        bagging.estimators_, bagging.estimators_samples_, strict=True
    ):
        weight = np.bincount(drawn, minlength=N)
        hand = Regressor(random_state=member.random_state)
        hand.fit(X, Y, sample_weight=weight, timestamps=TIME)
        parts.append(hand.predict(X, timestamps=TIME))
    close(bagging.predict(data), np.mean(parts, axis=0))


@pytest.mark.parametrize(
    ("tool", "y"),
    [
        (BaggingRegressor, Y),
        (AdaBoostRegressor, Y),
        (RegressorChain, np.column_stack([Y, -Y])),
    ],
)
def test__tools_that_make_arrays__named_column__is_missed_and_says_what_to_do(tool, y):
    data, settings = CARRIERS["column of numbers"]
    with pytest.raises(InvalidInputError, match="time_column in X, got 't'.*number"):
        tool(Regressor(**settings)).fit(data, y)


@pytest.mark.parametrize("carrier", BY_NUMBER)
def test__regressor_chain__column_by_number__is_a_loop_with_time(carrier):
    data, settings = BY_NUMBER[carrier]
    chain = RegressorChain(Regressor(**settings)).fit(data, np.column_stack([Y, -Y]))
    hand = on(Regressor, Y)
    close(chain.predict(data)[:, 0], hand.predict(X, timestamps=TIME))
    # The second model also reads the first target.
    second = Regressor().fit(np.column_stack([X, Y]), -Y, timestamps=TIME)
    both = np.column_stack([X, chain.predict(data)[:, 0]])
    close(chain.predict(data)[:, 1], second.predict(both, timestamps=TIME))


@pytest.mark.parametrize("carrier", BY_NUMBER)
def test__boosting__rows_drawn_in_any_order__are_refused(carrier):
    data, settings = BY_NUMBER[carrier]
    model = AdaBoostRegressor(Regressor(**settings), n_estimators=1, random_state=0)
    with pytest.raises(InvalidInputError, match="time goes back"):
        model.fit(data, Y)


@pytest.mark.parametrize("carrier", BY_NUMBER)
def test__bagging__some_features_only__without_the_time_is_refused(carrier):
    data, settings = BY_NUMBER[carrier]
    model = BaggingClassifier(
        Classifier(**settings), n_estimators=2, max_features=2, random_state=0
    )
    with pytest.raises(InvalidInputError, match="time_column in X, got 2 and an array"):
        model.fit(data, LABELS)


# --------------------------------------------------------------- targets and labels


@IN_ANY
def test__multi_output__each_target__is_that_of_a_model_with_time(carrier):
    data, settings = CARRIERS[carrier]
    targets = np.column_stack([Y, X[:, 1]])
    model = MultiOutputRegressor(Regressor(**settings)).fit(data, targets)
    predicted = model.predict(data)
    for k, y in enumerate(targets.T):
        close(predicted[:, k], on(Regressor, y).predict(X, timestamps=TIME))


@IN_MAIN
def test__transformed_target__any_carrier__is_a_model_with_time(carrier):
    data, settings = CARRIERS[carrier]
    model = TransformedTargetRegressor(
        Regressor(**settings), func=np.exp, inverse_func=np.log, check_inverse=False
    )
    expected = np.log(on(Regressor, np.exp(Y)).predict(X, timestamps=TIME))
    close(model.fit(data, Y).predict(data), expected)


@IN_MAIN
def test__calibration__any_carrier__calibrates_a_loop_with_time(carrier):
    data, settings = CARRIERS[carrier]
    cv = StratifiedKFold(2)
    model = CalibratedClassifierCV(Classifier(**settings), cv=cv).fit(data, LABELS)
    members = model.calibrated_classifiers_
    for member, (train, _) in zip(members, cv.split(X, LABELS), strict=True):
        hand = on(Classifier, LABELS, train)
        close(
            member.estimator.predict_proba(data), hand.predict_proba(X, timestamps=TIME)
        )
    assert model.predict_proba(data).shape == (N, 2)


@IN_MAIN
@pytest.mark.parametrize("tool", [FixedThresholdClassifier, OneVsRestClassifier])
def test__wrapped_classifier__any_carrier__is_a_model_with_time(carrier, tool):
    data, settings = CARRIERS[carrier]
    model = tool(Classifier(**settings)).fit(data, LABELS)
    codes = (LABELS == "up").astype(int)
    expected = on(Classifier, codes).predict_proba(X, timestamps=TIME)[:, 1]
    close(model.predict_proba(data)[:, 1], expected)


# --------------------------------------------------------------- sequences


CUBE = np.random.default_rng(1).normal(size=(18, 5, 2))
STEPS = np.cumsum(np.random.default_rng(2).exponential(60, (18, 5)).round(), axis=1)
MEANS = CUBE[:, :, 0].mean(axis=1)
SEQUENCES = {
    "column": (np.concatenate([CUBE, STEPS[:, :, None]], axis=2), {"time_column": 2}),
    "frames": (
        [
            pd.DataFrame(x, columns=["a", "b"], index=pd.to_datetime(t, unit="s"))
            for x, t in zip(CUBE, STEPS, strict=True)
        ],
        {},
    ),
}


@pytest.mark.parametrize("carrier", SEQUENCES)
def test__sequences__cross_val_and_stacking__equal_a_loop_with_time(carrier):
    data, settings = SEQUENCES[carrier]
    seen = np.empty(18)
    for train, test in KFold(3).split(CUBE):
        hand = Regressor().fit(CUBE[train], MEANS[train], timestamps=STEPS[train])
        seen[test] = hand.predict(CUBE[test], timestamps=STEPS[test])
    model = Regressor(**settings)
    close(cross_val_predict(model, data, MEANS, cv=KFold(3)), seen)
    stack = StackingRegressor([("lnn", model)], Ridge(), cv=KFold(3))
    whole = Regressor().fit(CUBE, MEANS, timestamps=STEPS)
    whole = whole.predict(CUBE, timestamps=STEPS)
    expected = Ridge().fit(seen[:, None], MEANS).predict(whole[:, None])
    close(stack.fit(data, MEANS).predict(data), expected)
    voting = VotingRegressor([("lnn", model)]).fit(data, MEANS)
    close(voting.predict(data), whole)
    search = GridSearchCV(model, {"epochs": [1]}, cv=KFold(3)).fit(data, MEANS)
    close(search.predict(data), whole)


# --------------------------------------------------------------- pipelines


@pytest.mark.parametrize("carrier", ["DatetimeIndex", "column of numbers"])
@pytest.mark.parametrize("scaler", [StandardScaler, MinMaxScaler])
def test__pipeline__pandas_output__keeps_time(carrier, scaler):
    data, settings = CARRIERS[carrier]
    model = make_pipeline(scaler(), Regressor(**settings)).set_output(
        transform="pandas"
    )
    scores = cross_val_score(model, data, Y, cv=TimeSeriesSplit(2), scoring="r2")
    expected = []
    for train, test in TimeSeriesSplit(2).split(X):
        step = scaler().fit(X[train])
        hand = Regressor().fit(
            step.transform(X[train]), Y[train], timestamps=TIME[train]
        )
        predicted = hand.predict(step.transform(X[test]), timestamps=TIME[test])
        expected.append(r2_score(Y[test], predicted))
    close(scores, expected)


def test__pipeline__column_transformer__leaves_a_column_of_dates_alone():
    data, settings = CARRIERS["column of dates"]
    scale = ColumnTransformer(
        [("scale", StandardScaler(), ["a", "b"])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    model = make_pipeline(scale, Regressor(**settings)).fit(data, Y)
    scaled = StandardScaler().fit_transform(X)
    hand = Regressor().fit(scaled, Y, timestamps=TIME)
    close(model.predict(data), hand.predict(scaled, timestamps=TIME))


def test__pipeline__names_dropped_on_the_way__says_what_to_do():
    data, settings = CARRIERS["column of numbers"]
    model = make_pipeline(StandardScaler(), Regressor(**settings))
    with pytest.raises(InvalidInputError, match=r"set_output\(transform='pandas'\)"):
        model.fit(data, Y)


# --------------------------------------------------------------- metadata routing


def requesting(make, *methods, groups=False):
    model = make()
    for method in methods:
        ask = getattr(model, f"set_{method}_request")
        ask(timestamps=True, **({"groups": True} if groups else {}))
    return model


@pytest.mark.parametrize("grouped", [False, True])
def test__routing__fit_and_score_asked_for__equals_a_loop(routing, grouped):
    cv = TimeSeriesSplit(2)
    model = requesting(Regressor, "fit", "score", groups=grouped)
    given = {"groups": GROUPS} if grouped else {}
    scores = cross_val_score(model, X, Y, cv=cv, params={"timestamps": TIME, **given})
    folds = by_hand(Regressor, Y, cv, **given)
    close(scores, [r2_score(Y[test], p) for test, p in folds])
    grid = GridSearchCV(model, {"epochs": [1]}, cv=cv)
    grid.fit(X, Y, timestamps=TIME, **given)
    close(grid.cv_results_["mean_test_score"][0], np.mean(scores))
    assert not grid.best_estimator_.model_.clock.regular


def test__routing__group_fold_and_model__both_get_the_groups(routing):
    model = requesting(Regressor, "fit", "score", groups=True)
    scores = cross_val_score(
        model, X, Y, cv=GroupKFold(2), params={"timestamps": TIME, "groups": GROUPS}
    )
    folds = by_hand(Regressor, Y, GroupKFold(2), groups=GROUPS)
    close(scores, [r2_score(Y[test], p) for test, p in folds])


@pytest.mark.parametrize("scoring", ["r2", "neg_mean_squared_error"])
def test__routing__string_scorer_drops_time__is_an_error(routing, scoring):
    model = requesting(Regressor, "fit", "score", "predict")
    with pytest.raises(InvalidInputError, match="irregular time stamps, but X comes"):
        cross_val_score(
            model,
            X,
            Y,
            cv=TimeSeriesSplit(2),
            scoring=scoring,
            params={"timestamps": TIME},
            error_score="raise",
        )


def test__routing__cross_val_predict_drops_time__is_an_error(routing):
    model = requesting(Regressor, "fit", "predict")
    with pytest.raises(InvalidInputError, match="irregular time stamps, but X comes"):
        cross_val_predict(model, X, Y, cv=2, params={"timestamps": TIME})


def test__routing__nothing_asked_for__is_scikit_learns_error(routing):
    with pytest.raises(UnsetMetadataPassedError, match="timestamps"):
        cross_val_score(Regressor(), X, Y, cv=2, params={"timestamps": TIME})


def test__routing__voting__fits_with_time_and_refuses_to_forget_it(routing):
    members = [("a", requesting(Regressor, "fit", "predict"))]
    voting = VotingRegressor(members).fit(X, Y, timestamps=TIME)
    assert not voting.estimators_[0].model_.clock.regular
    with pytest.raises(InvalidInputError, match="irregular time stamps, but X comes"):
        voting.predict(X)


def test__routing__scorer_that_asks__is_refused(routing):
    """scikit-learn hands a scorer's metadata to its metric, never to predict."""
    scorer = get_scorer("r2").set_score_request(timestamps=True)
    model = requesting(Regressor, "fit", "score", "predict")
    score = partial(cross_val_score, cv=2, scoring=scorer, error_score="raise")
    with pytest.raises(InvalidInputError, match="irregular time stamps, but X comes"):
        score(model, X, Y, params={"timestamps": TIME})


@pytest.mark.parametrize("tool", ["targets", "stacking", "calibration"])
def test__routing__tool_that_forgets_time__is_refused(routing, tool):
    make, y, method = Regressor, Y, "predict"
    if tool == "calibration":
        make, y, method = Classifier, LABELS, "predict_proba"
    model = requesting(make, "fit", method)
    wrapped = {
        "targets": MultiOutputRegressor(model),
        "stacking": StackingRegressor([("lnn", model)], Ridge(), cv=2),
        "calibration": CalibratedClassifierCV(model, cv=2),
    }[tool]
    y = y[:, None] if tool == "targets" else y
    with pytest.raises(InvalidInputError, match="irregular time stamps, but X comes"):
        wrapped.fit(X, y, timestamps=TIME).predict(X)


def test__routing__bagging_that_asks_for_weights__is_a_loop_with_time(routing):
    pytest.importorskip("sklearn", minversion="1.7")
    model = requesting(Regressor, "fit", "predict").set_fit_request(
        timestamps=True, sample_weight=True
    )
    bagging = BaggingRegressor(model, 1, random_state=0).fit(X, Y, timestamps=TIME)
    member, drawn = bagging.estimators_[0], bagging.estimators_samples_[0]
    hand = Regressor(random_state=member.random_state).fit(
        X, Y, sample_weight=np.bincount(drawn, minlength=N), timestamps=TIME
    )
    close(bagging.predict(X, timestamps=TIME), hand.predict(X, timestamps=TIME))


@pytest.mark.parametrize("bootstrap", [True, False])
@pytest.mark.parametrize("carrier", BY_NUMBER)
def test__routing__bagging_that_draws_rows__is_refused(routing, carrier, bootstrap):
    """Without a request for sample_weight bagging draws rows, in any order."""
    data, settings = BY_NUMBER[carrier]
    model = BaggingRegressor(
        Regressor(**settings), 1, max_samples=0.7, bootstrap=bootstrap, random_state=0
    )
    with pytest.raises(InvalidInputError, match="time goes back"):
        model.fit(data, Y)


def test__no_routing__fit_params_alone__scoring_without_time_is_refused():
    with pytest.raises(InvalidInputError, match="irregular time stamps, but X comes"):
        cross_val_score(
            Regressor(), X, Y, cv=2, params={"timestamps": TIME}, error_score="raise"
        )
    grid = GridSearchCV(Regressor(), {"epochs": [1]}, cv=2, error_score="raise")
    with pytest.raises(InvalidInputError, match="irregular time stamps, but X comes"):
        grid.fit(X, Y, timestamps=TIME)
