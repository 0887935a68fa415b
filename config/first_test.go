package config_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/branchenv/branchenv/config"
)

// TestExample keeps the example at the top of the repository what init writes, and valid.
func TestExample(t *testing.T) {
	t.Parallel()
	file, err := config.Load("../branchenv.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := file.CheckPulumiYAML(); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile("../branchenv.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Init(config.Answers{Project: "shop", Region: "eu-central-1", Domain: "preview.example.com", Source: config.Source{Git: "."}})
	if diff := cmp.Diff(string(want), string(text)); diff != "" {
		t.Errorf("the example is not what init writes (-init +example):\n%s", diff)
	}
}
