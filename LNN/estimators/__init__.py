"""What the estimators are made of: parameters, fitting, the fitted model, storage."""
