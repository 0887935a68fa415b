package regions

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAsTheSDK compares the table with the one of the AWS SDK in go.mod.
func TestAsTheSDK(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2").Output()
	if err != nil {
		t.Skipf("the SDK's folder is not known: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "internal", "endpoints", "awsrulesfn", "partitions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sdk struct {
		Partitions []struct {
			ID      string                     `json:"id"`
			Regex   string                     `json:"regionRegex"`
			Regions map[string]json.RawMessage `json:"regions"`
			Outputs struct {
				Domain string `json:"dnsSuffix"`
			} `json:"outputs"`
		} `json:"partitions"`
	}
	if err := json.Unmarshal(data, &sdk); err != nil {
		t.Fatal(err)
	}
	if len(sdk.Partitions) != len(partitions) {
		t.Errorf("the SDK knows %d partitions, the table %d", len(sdk.Partitions), len(partitions))
	}
	for _, want := range sdk.Partitions {
		i := slices.IndexFunc(partitions, func(p Partition) bool { return p.ID == want.ID })
		if i < 0 {
			t.Errorf("partition %s is missing", want.ID)
			continue
		}
		got := partitions[i]
		known := slices.DeleteFunc(slices.Sorted(maps.Keys(want.Regions)), func(r string) bool { return strings.HasSuffix(r, "-global") })
		if !slices.Equal(got.known, known) || got.Domain != want.Outputs.Domain || got.shape.String() != strings.ReplaceAll(want.Regex, `\-`, "-") {
			t.Errorf("partition %s: %s %s %v, the SDK has %s %s %v", got.ID, got.Domain, got.shape, got.known, want.Outputs.Domain, want.Regex, known)
		}
		for _, region := range known {
			if !Plausible(region) || !Known(region) || PartitionOf(region).ID != want.ID {
				t.Errorf("%s: plausible %v, known %v, partition %s", region, Plausible(region), Known(region), PartitionOf(region).ID)
			}
		}
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		plausible, known bool
		nearest          string
	}{
		{"eu-central-1", true, true, "eu-central-1"},
		{"eu-central-7", true, false, "eu-central-1"},
		{"eusc-de-east-1", true, true, "eusc-de-east-1"},
		{"eusc-fr-east-1", false, false, "eusc-de-east-1"},
		{"us-isob-east-1", true, true, "us-isob-east-1"},
		{"eu-cental-1", false, false, "eu-central-1"},
		{"eu-central", false, false, "eu-central-1"},
		{"eu-central-0", false, false, "eu-central-1"},
		{"EU-WEST-1", false, false, "eu-west-1"},
		{"frankfurt", false, false, ""},
		{"aws-global", false, false, ""},
		{"", false, false, ""},
		{strings.Repeat("x", 100_000), false, false, ""},
	} {
		if Plausible(tt.name) != tt.plausible || Known(tt.name) != tt.known || Nearest(tt.name) != tt.nearest {
			t.Errorf("%.40q: plausible %v, known %v, nearest %q; want %+v", tt.name, Plausible(tt.name), Known(tt.name), Nearest(tt.name), tt)
		}
	}
}
