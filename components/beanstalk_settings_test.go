package components

import "testing"

func TestArchitecture(t *testing.T) {
	t.Parallel()
	for instanceType, want := range map[string]string{
		"t3.micro": "x86_64", "m5dn.large": "x86_64", "g5.xlarge": "x86_64", "g4dn.xlarge": "x86_64", "m7i-flex.large": "x86_64",
		"t4g.micro": "arm64", "c7gn.large": "arm64", "r6gd.large": "arm64", "g5g.xlarge": "arm64", "im4gn.large": "arm64", "a1.medium": "arm64",
	} {
		if got := architecture(instanceType); got != want {
			t.Errorf("%s has %s, not %s", instanceType, got, want)
		}
	}
}
