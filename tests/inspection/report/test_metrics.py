"""Scores are those of scikit-learn; baselines are what they are called."""

import numpy as np
import pytest
from sklearn import metrics

from LNN.estimators.fitted import as_fitted
from LNN.inspection.report.data import ReportData
from LNN.inspection.report.metrics import classified, regressed


def data_of(own):
    return ReportData.of(as_fitted(own.model), own.X, own.y, None, None)


@pytest.mark.quick_cases("windows")
@pytest.mark.parametrize(
    "kind", ["windows", "whole recordings", "per step", "cube", "missing values"]
)
def test__regressed__is_what_scikit_learn_says(kind, pages):
    own, _ = pages(kind)
    truth = np.ravel(own.y)
    answers = np.ravel(own.model.predict(own.X))
    (found,) = regressed(data_of(own))
    model = found["the model"]
    assert model["R²"] == pytest.approx(metrics.r2_score(truth, answers))
    assert model["MAE"] == pytest.approx(metrics.mean_absolute_error(truth, answers))
    rmse = metrics.root_mean_squared_error(truth, answers)
    assert model["RMSE"] == pytest.approx(rmse)
    assert found["always the mean of y"]["R²"] == pytest.approx(0)
    assert ("y of the row before" in found) == (kind != "cube")
    if kind == "windows":  # one recording
        last = metrics.mean_absolute_error(truth[1:], truth[:-1])
        assert found["y of the row before"]["MAE"] == pytest.approx(last)
    if kind == "per step":  # the first step of a sequence has none before it
        y = np.asarray(own.y)
        last = np.abs(y[:, 1:] - y[:, :-1]).mean()
        assert found["y of the row before"]["MAE"] == pytest.approx(last)


@pytest.mark.quick_cases("ragged classes")
@pytest.mark.parametrize("kind", ["classes", "ragged classes"])
def test__classified__is_what_scikit_learn_says(kind, pages):
    own, _ = pages(kind)
    truth, labels = np.asarray(own.y), own.model.classes_
    found = classified(data_of(own))
    model, answers = found["the model"], own.model.predict(own.X)
    assert model["accuracy"] == pytest.approx(metrics.accuracy_score(truth, answers))
    recall = metrics.recall_score(
        truth, answers, labels=np.unique(truth), average="macro", zero_division=0
    )
    assert model["balanced accuracy"] == pytest.approx(recall)
    loss = metrics.log_loss(truth, own.model.predict_proba(own.X), labels=labels)
    assert model["log loss"] == pytest.approx(loss, abs=1e-6)
    share = np.array([(truth == label).mean() for label in labels])
    entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
    assert found["the shares of the classes"]["log loss"] == pytest.approx(entropy)
    most = found["always the most frequent class"]
    assert most["accuracy"] == pytest.approx(share.max())
    assert "log loss" not in most
