package main

import "testing"

func TestStartedByPulumi(t *testing.T) {
	t.Parallel()
	engine := map[string]string{"PULUMI_MONITOR": "127.0.0.1:1", "PULUMI_ENGINE": "127.0.0.1:2"}
	tests := map[string]struct {
		args []string
		env  map[string]string
		want bool
	}{
		"engine":                       {nil, engine, true},
		"person":                       {nil, nil, false},
		"person with a command":        {[]string{"list"}, nil, false},
		"command below a pulumi's run": {[]string{"list"}, engine, false},
		"half an engine":               {nil, map[string]string{"PULUMI_MONITOR": "127.0.0.1:1"}, false},
	}
	for name, test := range tests {
		if got := startedByPulumi(test.args, func(name string) string { return test.env[name] }); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
