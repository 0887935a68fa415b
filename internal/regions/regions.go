// Package regions lists the AWS regions and their partitions. The table is a copy of the AWS SDK's, which the SDK does not
// export; a test compares the two.
package regions

import (
	"regexp"
	"slices"
	"strings"

	"github.com/branchenv/branchenv/internal/text"
)

// Partition is a part of AWS with its own accounts, ARNs and host names.
type Partition struct {
	ID     string // in ARNs: aws, aws-cn
	Domain string // of its services' host names: amazonaws.com
	shape  *regexp.Regexp
	known  []string
}

// partitions are all partitions. The general one comes last, because its pattern also matches some regions of others.
// Source: aws-sdk-go-v2, internal/endpoints/awsrulesfn/partitions.json.
var partitions = []Partition{
	{"aws-cn", "amazonaws.com.cn", regexp.MustCompile(`^cn-\w+-\d+$`), []string{"cn-north-1", "cn-northwest-1"}},
	{"aws-eusc", "amazonaws.eu", regexp.MustCompile(`^eusc-(de)-\w+-\d+$`), []string{"eusc-de-east-1"}},
	{"aws-iso", "c2s.ic.gov", regexp.MustCompile(`^us-iso-\w+-\d+$`), []string{"us-iso-east-1", "us-iso-west-1"}},
	{"aws-iso-b", "sc2s.sgov.gov", regexp.MustCompile(`^us-isob-\w+-\d+$`), []string{"us-isob-east-1", "us-isob-west-1"}},
	{"aws-iso-e", "cloud.adc-e.uk", regexp.MustCompile(`^eu-isoe-\w+-\d+$`), []string{"eu-isoe-west-1"}},
	{"aws-iso-f", "csp.hci.ic.gov", regexp.MustCompile(`^us-isof-\w+-\d+$`), []string{"us-isof-east-1", "us-isof-south-1"}},
	{"aws-us-gov", "amazonaws.com", regexp.MustCompile(`^us-gov-\w+-\d+$`), []string{"us-gov-east-1", "us-gov-west-1"}},
	{"aws", "amazonaws.com", regexp.MustCompile(`^(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+$`), strings.Fields(`
		af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1
		ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1
		eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1
		me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2`)},
}

// compass matches the end of every region's name so far: a direction and a number.
var compass = regexp.MustCompile(`-(north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9]\d?$`)

// PartitionOf returns the partition of a region, and the general one for a region that no partition has.
func PartitionOf(region string) Partition {
	for _, p := range partitions {
		if p.shape.MatchString(region) {
			return p
		}
	}
	return partitions[len(partitions)-1]
}

// Plausible reports whether AWS may have a region of that name. It may be newer than this table.
func Plausible(region string) bool {
	return compass.MatchString(region) && PartitionOf(region).shape.MatchString(region)
}

// Known reports whether region is in the table.
func Known(region string) bool { return slices.Contains(PartitionOf(region).known, region) }

// Nearest returns the known region that is spelled most like name, or "" if none is.
func Nearest(name string) string {
	var known []string
	for _, p := range partitions {
		known = append(known, p.known...)
	}
	return text.Nearest(name, known, 3)
}
