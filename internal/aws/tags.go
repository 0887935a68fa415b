package aws

import (
	"cmp"
	"context"
	"maps"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"

	"github.com/branchenv/branchenv/internal/fault"
	"github.com/branchenv/branchenv/internal/text"
)

// Tagged is a resource with its tags.
type Tagged struct {
	ARN  string
	Tags map[string]string
}

// TaggedResources returns the region's resources that have all of the tags, sorted by ARN. AWS's index lags by minutes and
// contains resources that are gone: call Describe before relying on one. At least one tag is required.
func (c *Client) TaggedResources(ctx context.Context, tags map[string]string) ([]Tagged, error) {
	if len(tags) == 0 {
		return nil, fault.Refusedf("find resources by tag: no tag is given")
	}
	in := &resourcegroupstaggingapi.GetResourcesInput{ResourcesPerPage: awssdk.Int32(100)}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		in.TagFilters = append(in.TagFilters, types.TagFilter{Key: awssdk.String(key), Values: []string{tags[key]}})
	}
	var found []Tagged
	pages := resourcegroupstaggingapi.NewGetResourcesPaginator(c.tagging(), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, failed(err, "find resources by tag")
		}
		for _, r := range page.ResourceTagMappingList {
			tags := tagMap(r.Tags, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
			found = append(found, Tagged{ARN: text.Line(awssdk.ToString(r.ResourceARN)), Tags: tags})
		}
	}
	slices.SortFunc(found, func(a, b Tagged) int { return cmp.Compare(a.ARN, b.ARN) })
	return found, nil
}

// tagMap returns a service's list of tags as a map.
func tagMap[T any](list []T, pair func(T) (key, value *string)) map[string]string {
	tags := make(map[string]string, len(list))
	for _, t := range list {
		key, value := pair(t)
		tags[awssdk.ToString(key)] = awssdk.ToString(value)
	}
	return tags
}
