"""Pure computation: judgements to weights, views to features, features to probabilities, all of it to scores."""
