"""Scores, alarms, events and contributions of rows at equal steps."""

import pickle

import numpy as np
import pandas as pd
import pytest
from anomaly_cases import HOURS, SEASON, frame, quick, wave
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit

from LNN import InvalidInputError, LNNWarning
from LNN.anomaly.missing_steps import Bridged


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(frame()[:800])


@pytest.fixture
def broken():
    """Return rows with a spike, and a stretch in which one channel stands still."""
    rows = frame()
    rows.iloc[900, 0] += 3
    rows.iloc[1000:1060, 1] = rows.iloc[999, 1]
    return rows


def test__scores__of_a_spike_and_of_a_stretch__are_alarms(fitted, broken):
    alarms = fitted.predict(broken) == -1
    assert alarms[900]
    assert alarms[1000:1080].mean() > 0.5
    assert alarms[:800].mean() < 0.01


def test__series__is_a_frame_of_one_channel():
    rows = frame().iloc[:600, :1]
    model, series = quick().fit(rows.iloc[:, 0]), rows.iloc[:, 0]
    scores = model.anomaly_scores(series)
    pd.testing.assert_series_equal(scores, model.anomaly_scores(rows))
    parts = model.contributions(series)
    pd.testing.assert_frame_equal(parts, model.contributions(rows))
    assert model.stream(context=series[-60:]).step(rows.iloc[-1]).score >= 0


def test__scores__three_names__are_one_number(fitted, broken):
    scores = fitted.anomaly_scores(broken)
    pd.testing.assert_index_equal(scores.index, broken.index)
    np.testing.assert_array_equal(fitted.score_samples(broken), -scores)
    decision = fitted.decision_function(broken)
    np.testing.assert_array_equal(decision, -scores - fitted.offset_)
    np.testing.assert_array_equal(fitted.predict(broken), np.where(decision < 0, -1, 1))
    assert fitted.offset_ == pytest.approx(-3)


def test__scores__rows_that_come_later__change_nothing_before(fitted, broken):
    other = broken.copy()
    other.iloc[950:] = 17.0
    before = fitted.anomaly_scores(broken)[:950]
    np.testing.assert_array_equal(fitted.anomaly_scores(other)[:950], before)


def test__scores__of_the_first_rows__are_those_of_all(fitted, broken):
    some = fitted.anomaly_scores(broken[:500])
    np.testing.assert_allclose(some, fitted.anomaly_scores(broken)[:500], rtol=1e-3)


def test__scores__rate_of_usual_rows__is_about_what_they_say():
    model = quick().fit(wave(2000, 0))
    scores = model.anomaly_scores(wave(6000, 1))
    for zeros in (1, 2):
        assert 0.3 < (scores > zeros).mean() * 10**zeros < 3


def test__alarm_rate__higher__only_lowers_the_threshold(broken):
    strict, lax = (quick(alarm_rate=rate).fit(frame()[:800]) for rate in (1e-3, 1e-2))
    np.testing.assert_array_equal(*(m.score_samples(broken) for m in (strict, lax)))
    assert lax.offset_ == pytest.approx(-2)
    assert (lax.predict(broken) == -1).sum() > (strict.predict(broken) == -1).sum()


def test__fit__same_seed__same_bits_in_any_unit(broken):
    one, two = (quick().fit(frame()[:800]).anomaly_scores(broken) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    other = quick().fit(5 + 8 * frame()[:800]).anomaly_scores(5 + 8 * broken)
    np.testing.assert_allclose(other, one, rtol=1e-2, atol=1e-2)


def test__contributions__channel_that_is_wrong__stands_out(fitted, broken):
    found = fitted.contributions(broken)
    assert list(found.columns) == ["flow", "heat"]
    assert found.iloc[900].idxmax() == "flow"
    assert found.iloc[1006:1050].mean().idxmax() == "heat"
    # On average a normal residual is 0.8 deviations.
    assert found[:800].mean().between(0.6, 1.1).all()


def test__contributions__by_horizon__are_those_of_the_channel(fitted, broken):
    parts = fitted.contributions(broken, by_horizon=True)
    assert list(parts.columns.levels[1]) == list(fitted.horizons_)
    mean = parts.T.groupby(level="channel").mean().T
    pd.testing.assert_frame_equal(mean, fitted.contributions(broken))
    array = quick().fit(wave()).contributions(wave(), by_horizon=True)
    assert array.shape == (1200, 1, len(fitted.horizons_))


def test__events__of_two_anomalies__are_told_with_their_times(fitted, broken):
    found = fitted.events(broken[800:])
    assert list(found.columns) == ["start", "end", "peak", "score", "channel"]
    assert found.channel[found.start == HOURS[900]].tolist() == ["flow"]
    last = found.iloc[-1]
    assert HOURS[1000] <= last.start <= last.peak < last.end
    assert last.channel == "heat"
    assert last.score == fitted.anomaly_scores(broken[800:])[last.peak]


def test__events__gap_of_alarms__joins_or_parts_them(fitted, broken):
    few = fitted.events(broken, min_gap=1000)
    many = fitted.events(broken, min_gap=1)
    assert len(few) == 1 < len(many)


def test__events__nothing_abnormal__is_an_empty_frame(fitted):
    found = fitted.events(frame()[:200])
    assert list(found.columns) == ["start", "end", "peak", "score", "channel"]
    assert not len(found)


def test__fit__marked_rows__are_no_part_of_what_is_usual(broken):
    y = np.zeros(1200)
    y[900:1084] = 1
    marked = quick().fit(broken, y).anomaly_scores(broken)
    # A hundredth of the rows of the fit cannot be one in ten thousand of them.
    unmarked = quick().fit(broken).anomaly_scores(broken)
    assert marked[900:1084].mean() > 1.3 * unmarked[900:1084].mean()


def test__fit__labels_of_another_kind__are_doubted():
    with pytest.warns(LNNWarning, match="other values than 0 and 1"):
        quick().fit(wave(), np.where(np.arange(1200) < 3, -1, 0))
    with pytest.raises(InvalidInputError, match="1 for every row"):
        quick().fit(wave(), np.ones(1200))
    with pytest.raises(InvalidInputError, match="one entry for each of the 1200"):
        quick().fit(wave(), np.ones(3))


def test__fit__few_rows_or_sequences__are_warned_of():
    with pytest.warns(LNNWarning, match="set by 1.. rows"):
        quick().fit(wave(200))
    cube = np.stack([wave(60, seed) for seed in range(30)])
    with pytest.warns(LNNWarning, match="set by 30 sequences"):
        quick(season=12).fit(cube)


def test__fit__horizons_that_no_row_has_behind_it__are_refused():
    with pytest.raises(InvalidInputError, match="no row can be judged"):
        quick(horizons=[1, 900]).fit(wave(900))


def test__fit__rows_that_become_wild__are_warned_of():
    x = wave(2000)
    x[1600:] += np.random.default_rng(1).normal(size=(400, 1))
    with pytest.warns(LNNWarning, match="times as far"):
        quick().fit(x)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("horizons", [0]),
        ("season", "day"),
        ("calendar", ["month"]),
        ("calendar", [["day"]]),
        ("smooth", 0),
        ("alarm_rate", 1.0),
        ("rows", "both"),
        ("aggregate", "sum"),
        ("network", {"epochs": 3}),
    ],
)
def test__fit__parameter_that_is_not_allowed__is_named(parameter, value):
    with pytest.raises(InvalidInputError, match=f"'{parameter}' parameter of Liquid"):
        quick(**{parameter: value}).fit(wave())


def test__fit__half_a_row_ahead__is_refused():
    with pytest.raises(InvalidInputError, match="whole numbers of steps"):
        quick(horizons=[1.5]).fit(wave())


def test__calendar__without_a_clock__is_refused(fitted):
    with pytest.raises(InvalidInputError, match="needs rows with datetimes"):
        quick(calendar=["day"]).fit(wave())
    model = quick(calendar=["week"]).fit(frame())
    with pytest.raises(InvalidInputError, match="fitted with a calendar"):
        model.predict(frame().reset_index(drop=True))


def test__season__auto__is_found_or_stands_for_a_window():
    assert quick(season="auto").fit(wave()).season_ == pytest.approx(SEASON, abs=1)
    noise = np.random.default_rng(0).normal(size=(900, 1))
    assert quick(season="auto").fit(noise).season_ == 12
    assert quick(season="auto").fit(frame()).season_ == 24


def test__aggregate__max__sees_one_of_many_channels():
    x = wave(1200, channels=20)
    x[900, 7] += 1
    found = {
        how: quick(aggregate=how, smooth=None).fit(x[:800]).anomaly_scores(x)[900]
        for how in ("mean", "max")
    }
    assert found["max"] > found["mean"]


def test__missing_values__say_nothing(fitted):
    rows = frame()
    rows.iloc[850:860] = np.nan
    rows.iloc[700, 0] = np.nan
    scores = fitted.anomaly_scores(rows)
    assert (scores[850:860] == 0).all()
    assert (fitted.predict(rows)[845:870] == 1).all()
    assert np.isfinite(quick().fit(rows).anomaly_scores(rows)).all()


def test__rows_that_lack__are_bridged(fitted):
    rows = frame().drop(HOURS[300:310])
    scores = fitted.anomaly_scores(rows)
    whole = fitted.anomaly_scores(frame())
    # Foreseen from the row a horizon ago by the clock, not by counting.
    np.testing.assert_allclose(scores[400:], whole[410:], rtol=0.3, atol=0.3)


def test__rows_that_lack__here_and_there__are_no_alarms():
    model = quick(epochs=10).fit(frame()[:800])
    lost = np.random.default_rng(0).random(400) < 0.05
    kept = frame()[800:][~lost]
    assert (model.predict(kept) == -1).mean() < 0.02


def test__rows_that_lack__many_in_a_row__are_no_gaps_of_another_kind(fitted):
    scores = fitted.anomaly_scores(frame().drop(HOURS[300:433]))
    assert np.isfinite(scores).all()
    late = frame().set_axis(HOURS + pd.to_timedelta(np.arange(1200) // 600 * 30, "min"))
    with pytest.warns(LNNWarning, match="not multiples of it"):
        fitted.anomaly_scores(late)


def test__bridged__rows_at_equal_steps__stay_as_they_are(fitted):
    plan, rows = fitted.model_.engine.plan, fitted.model_.read(frame(), None, None)
    whole = Bridged.of(rows, plan)
    np.testing.assert_array_equal(whole.inputs[:, :2], frame())
    np.testing.assert_array_equal(whole.place, np.arange(1200))


def test__bridged__of_recordings__nothing_lies_between_them(fitted):
    both = pd.concat({"a": frame(30).drop(HOURS[7:9]), "b": frame(20)})
    model = quick().fit(pd.concat({"a": frame(600), "b": frame(600)}))
    rows = model.model_.read(both, None, None)
    whole = Bridged.of(rows, model.model_.engine.plan)
    assert np.isnan(whole.inputs[:, :2]).all(axis=1).nonzero()[0].tolist() == [7, 8]
    assert whole.recording.tolist() == [0] * 30 + [1] * 20


def test__panel__groups_index_and_column__are_the_same():
    parts = [frame(500, seed) for seed in range(3)]
    panel = pd.concat(parts, keys=["a", "b", "c"], names=["plant"])
    model = quick(calendar=None).fit(panel)
    scores = model.anomaly_scores(panel)
    values, groups = panel.to_numpy(), panel.index.get_level_values(0)
    arrays = quick().fit(values, groups=groups)
    np.testing.assert_array_equal(arrays.anomaly_scores(values, groups=groups), scores)
    table = np.column_stack([np.repeat([4, 5, 6], 500), values])
    columns = quick(group_column=0).fit(table)
    np.testing.assert_array_equal(columns.anomaly_scores(table), scores)
    assert columns.n_features_in_ == 3


def test__panel__rows_of_groups_in_turn__are_scored_in_their_places():
    values = np.concatenate([wave(500, seed) for seed in range(2)])
    groups = np.repeat([0, 1], 500)
    model = quick().fit(values, groups=groups)
    order = np.argsort(np.tile(np.arange(500), 2), kind="stable")
    expected = model.anomaly_scores(values, groups=groups)[order]
    found = model.anomaly_scores(values[order], groups=groups[order])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test__panel__mean_over_more_than_a_recording__stays_inside_of_it():
    values = np.concatenate([wave(300, seed) for seed in range(3)])
    groups = np.repeat([0, 1, 2], 300)
    model = quick(smooth=280).fit(values, groups=groups)
    expected = model.anomaly_scores(values, groups=groups)
    values[:300] += 9 * np.random.default_rng(0).normal(size=(300, 1))
    found = model.anomaly_scores(values, groups=groups)
    assert found[299] > expected[299]
    np.testing.assert_allclose(found[300:], expected[300:], rtol=1e-6)


def test__panel__events__name_the_recording():
    parts = [frame(500, seed) for seed in range(3)]
    panel = pd.concat(parts, keys=["a", "b", "c"], names=["plant"])
    model = quick().fit(panel)
    panel.loc[("b", HOURS[400]), "flow"] += 4
    found = model.events(panel)
    assert found.recording.tolist() == ["b"]
    assert found.start.tolist() == [HOURS[400]]


def test__panel__after_a_fit_on_one_recording__is_scored_one_by_one():
    model = quick().fit(wave(800))
    parts = [wave(100, seed) for seed in range(1, 4)]
    together = model.anomaly_scores(
        np.concatenate(parts), groups=np.repeat([0, 1, 2], 100)
    )
    alone = np.concatenate([model.anomaly_scores(part) for part in parts])
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-6)


def test__sequences__each_has_one_score():
    rng = np.random.default_rng(0)
    cube = np.stack([wave(60, seed) for seed in range(520)])
    model = quick(season=12).fit(cube)
    odd = cube[:20].copy()
    odd[3, 30:45] = rng.normal(size=(15, 1))
    assert int(np.argmax(model.anomaly_scores(odd))) == 3
    assert model.predict(odd)[3] == -1
    assert model.contributions(odd).shape == (20, 1)
    flat = quick(season=12, rows="sequences").fit(cube[..., 0])
    np.testing.assert_array_equal(
        flat.anomaly_scores(odd[..., 0]), model.anomaly_scores(odd)
    )
    with pytest.raises(InvalidInputError, match="whole sequences"):
        model.events(odd)


def test__score__y_that_is_not_0_and_1__is_told_as_in_fit(fitted):
    rows, y = frame()[:400], np.arange(400) == 300
    usual = fitted.score(rows, y)
    with pytest.warns(LNNWarning, match="pass y == -1"):
        fitted.score(rows, np.where(y, -1, 1))
    unknown = pd.Series(y, dtype="boolean").mask(np.arange(400) == 3)
    with pytest.warns(LNNWarning, match="other values than 0 and 1"):
        assert fitted.score(rows, unknown) == usual
    with pytest.raises(InvalidInputError, match="one entry for each of the 400"):
        fitted.score(rows, y[:300])


def test__score__is_average_precision_for_searches(broken):
    y = np.zeros(1200, dtype=int)
    y[[900]] = y[1000:1060] = 1
    assert quick().fit(broken[:800]).score(broken, y) > 0.2
    with pytest.raises(InvalidInputError, match="no such row"):
        quick().fit(broken[:800]).score(broken[:800], y[:800])


def test__grid_search__over_seasons__runs():
    x, y = wave(1800), np.zeros(1800, dtype=int)
    for begin in (800, 1300, 1600):
        x[begin : begin + 10] += 1
        y[begin : begin + 10] = 1
    cv = TimeSeriesSplit(2, test_size=500)
    search = GridSearchCV(quick(), {"smooth": [None, 12]}, cv=cv, error_score="raise")
    assert search.fit(x, y).best_score_ > 0.06


def test__pickle_and_clone__score_the_same(fitted, broken):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(
        again.anomaly_scores(broken), fitted.anomaly_scores(broken)
    )
    assert clone(fitted).get_params() == fitted.get_params()
    assert not clone(fitted).__sklearn_is_fitted__()


def test__network__several_quantiles__are_refused():
    several = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}
    with pytest.raises(InvalidInputError, match="one quantile at most"):
        quick(network=several).fit(wave())
    quick(network={"loss": "quantile", "quantile": 0.5}).fit(wave())


@pytest.mark.parametrize("gap", [-1, np.nan, "1h"])
def test__events__min_gap_that_is_none__is_refused(fitted, broken, gap):
    with pytest.raises(InvalidInputError, match="min_gap to be"):
        fitted.events(broken, min_gap=gap)


def test__scores__of_rows_that_cannot_be_judged__are_warned_of(fitted):
    few = frame()[:5]
    with pytest.warns(LNNWarning, match="None of the rows can be judged"):
        assert (fitted.anomaly_scores(few) == 0).all()
    with pytest.warns(LNNWarning, match="the longest has 5 rows"):
        assert fitted.events(few).empty


@pytest.mark.parametrize("each", [5, 7])
def test__scores__of_rows_at_another_rate__are_warned_of(fitted, each):
    rows = 100 * frame()[::each]
    with pytest.warns(LNNWarning) as warned:
        scores = fitted.anomaly_scores(rows)
    said = " ".join(str(one.message) for one in warned)
    assert f"rows 1:00:00 apart, but those of X are usually {each}:00:00 apart" in said
    assert "None of the rows that have enough before them can be judged" in said
    assert (scores == 0).all()
    with pytest.warns(LNNWarning):
        assert not fitted.judged(rows).any()


def test__judged__is_false_where_the_score_is_no_news(fitted):
    rows = frame()
    rows.iloc[850:860] = np.nan
    judged = fitted.judged(rows)
    begin = int(fitted.model_.engine.plan.first_judged)
    expected = np.arange(1200) >= begin
    expected[850:860] = False
    np.testing.assert_array_equal(judged, expected)
    assert judged.index.equals(rows.index)
    assert (fitted.anomaly_scores(rows)[~judged] == 0).all()


def test__judged__of_sequences__is_one_answer_each():
    x = np.stack([wave(60, seed) for seed in range(40)])
    with pytest.warns(LNNWarning, match="threshold"):
        model = quick(season=8, window_length=6).fit(x)
    found = model.judged([x[0], x[1][:5]])
    assert found.tolist() == [True, False]


def test__scores__many_rows_not_judged__the_share_is_told(fitted):
    kept = np.ones(1200, dtype=bool)
    kept[600:] = np.arange(600) % 3 == 0
    with pytest.warns(LNNWarning, match=r"\d\d% of the rows .* can be judged"):
        fitted.anomaly_scores(frame()[kept])


def test__scores__zone_on_one_side_only__is_refused(fitted):
    rows = frame().tz_localize("Europe/Vienna", nonexistent="NaT", ambiguous="NaT")[
        :900
    ]
    with pytest.raises(InvalidInputError, match="without a time zone, but those of X"):
        fitted.anomaly_scores(rows)
    with pytest.raises(InvalidInputError, match="a time without a time zone"):
        fitted.stream().step(rows.iloc[0], timestamp=rows.index[0])


def test__summary__says_what_was_found_in_durations(fitted):
    shown = fitted.summary()
    record = fitted.model_.engine.model.record
    assert f"training  {record.n_iter} epoch(s) on {record.backend}" in shown
    assert len(record.loss_curve) == record.n_iter > 0
    assert "rows of 2 channel(s)" in shown
    assert "equal gaps of 1:00:00" in shown
    assert "24 steps, 1 day, 0:00:00" in shown
    assert "rarer than 0.001 of usual rows" in shown
    assert "no time stamps" in quick().fit(wave()).summary()


def test__scores__same_instants_in_another_zone__are_the_same():
    rows = frame()
    rows.index = pd.date_range("2026-01-01", periods=len(rows), freq="h", tz="UTC")
    here = rows.tz_convert("Asia/Kolkata")
    detector = quick(calendar=["day"]).fit(here)
    expected = detector.anomaly_scores(here)
    np.testing.assert_array_equal(detector.anomaly_scores(rows), expected)
    one, other = detector.stream(), detector.stream()
    for k in range(60):
        scores = [
            stream.step(table.iloc[k], timestamp=table.index[k])
            for stream, table in ((one, rows), (other, here))
        ]
        assert scores[0] == scores[1]


def test__channels__of_columns_that_are_numbers__keep_their_names():
    rows = frame(800).set_axis([7, 9], axis=1)
    model = quick().fit(rows)
    rows.iloc[700:704, 1] += 5
    assert list(model.contributions(rows).columns) == [7, 9]
    by_horizon = model.contributions(rows, by_horizon=True)
    assert by_horizon.columns.get_level_values(0).unique().tolist() == [7, 9]
    assert 9 in model.events(rows)["channel"].tolist()
