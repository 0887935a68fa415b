package config

// layers is what Resolve works from.
type layers struct{}
