package github

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/branchenv/branchenv/internal/fault"
)

const (
	datesAtOnce = 100   // commits in one GraphQL query
	maxDates    = 50000 // kept commit times; beyond, only those of the last call are kept
)

// Dates implements Source. With a token, one GraphQL query returns the times of a hundred commits. Without a token or GraphQL
// each commit takes a request. The time is the committer's: GitHub does not say when a branch was pushed.
func (h *hub) Dates(ctx context.Context, commits []string) (map[string]time.Time, error) {
	return h.cache.datesOf(commits, func(missing []string) (map[string]int64, error) {
		ctx := withCall(ctx, &call{left: h.MaxWait})
		repo, err := h.repository(ctx)
		if err != nil {
			return nil, err
		}
		found, err := h.queryDates(ctx, repo, missing)
		if err != nil {
			return nil, err
		}
		for _, commit := range missing {
			if _, ok := found[commit]; ok {
				continue
			}
			c, _, err := h.client.Git.GetCommit(ctx, repo.owner, repo.name, commit)
			if err != nil {
				return nil, fmt.Errorf("ask for commit %s of %s: %w", commit, repo, h.explain(err))
			}
			if c.GetSHA() != commit || c.GetCommitter().Date == nil {
				return nil, fault.Refusedf("%s answered for commit %s of %s with commit %q", h.api.Host, commit, repo, line(c.GetSHA()))
			}
			found[commit] = c.GetCommitter().GetDate().Unix()
		}
		return found, nil
	})
}

// queryDates asks for commit times by GraphQL. The map lacks the commits without an answer.
func (h *hub) queryDates(ctx context.Context, repo repository, commits []string) (map[string]int64, error) {
	found := map[string]int64{}
	if h.token == "" {
		return found, nil
	}
	for batch := range slices.Chunk(commits, datesAtOnce) {
		var query strings.Builder
		query.WriteString("query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {")
		for i, commit := range batch {
			fmt.Fprintf(&query, " c%d: object(oid: %q) { ... on Commit { oid committedDate } }", i, commit)
		}
		query.WriteString(" } }")
		req, err := h.client.NewRequest("POST", h.graphQL(), map[string]any{
			"query": query.String(), "variables": map[string]string{"owner": repo.owner, "name": repo.name},
		})
		if err != nil {
			return nil, err
		}
		var reply struct {
			Data struct {
				Repository map[string]struct {
					OID           string
					CommittedDate time.Time
				}
			}
		}
		_, err = h.client.Do(ctx, req, &reply)
		var response *github.ErrorResponse
		if errors.As(err, &response) || fault.Code(err) == fault.Refused {
			return found, nil // no GraphQL here, or not for this token: Dates asks for each commit
		}
		if err != nil {
			return nil, fmt.Errorf("ask for commit times of %s: %w", repo, h.explain(err))
		}
		for _, c := range reply.Data.Repository {
			if slices.Contains(batch, c.OID) && !c.CommittedDate.IsZero() {
				found[c.OID] = c.CommittedDate.Unix()
			}
		}
	}
	return found, nil
}

// graphQL returns the address of the GraphQL API: https://api.github.com/graphql, https://HOST/api/graphql.
func (h *hub) graphQL() string {
	u := *h.api
	u.Path = strings.TrimSuffix(u.Path, "v3/") + "graphql"
	return u.String()
}

// Dates implements Source. It fetches the commits into a temporary repository, without their content if the remote allows it.
func (r *remote) Dates(ctx context.Context, commits []string) (map[string]time.Time, error) {
	dates, err := r.cache.datesOf(commits, func(missing []string) (map[string]int64, error) {
		dir, err := os.MkdirTemp("", "branchenv-commits-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		input := []byte(strings.Join(missing, "\n") + "\n")
		format := "--object-format=sha1"
		if len(missing[0]) == 64 {
			format = "--object-format=sha256"
		}
		if _, err := r.git(ctx, nil, "init", "--quiet", "--bare", format, "--template=", dir); err != nil {
			return nil, err
		}
		if _, err := r.git(ctx, input, "-C", dir, "fetch", "--quiet", "--depth=1", "--filter=tree:0", "--no-tags",
			"--no-auto-maintenance", "--no-write-fetch-head", "--stdin", "--", r.address); err != nil {
			return nil, err
		}
		output, err := r.git(ctx, input, "-C", dir, "log", "--no-walk=unsorted", "--no-show-signature", "--format=%H %ct", "--stdin")
		if err != nil {
			return nil, err
		}
		found := map[string]int64{}
		for text := range strings.Lines(string(output)) {
			commit, seconds, _ := strings.Cut(strings.TrimSpace(text), " ")
			if found[commit], err = strconv.ParseInt(seconds, 10, 64); err != nil {
				return nil, fault.Failedf("git printed %q for a commit's time", line(text))
			}
		}
		return found, nil
	})
	if err != nil {
		return nil, fmt.Errorf("ask for commit times of %s: %w", r, err)
	}
	return dates, nil
}

// datesOf returns the times of commits. It asks for the unknown ones and keeps them.
func (c *cache) datesOf(commits []string, ask func(missing []string) (map[string]int64, error)) (map[string]time.Time, error) {
	known := c.dates()
	missing := map[string]bool{}
	for _, commit := range commits {
		if !commitHash.MatchString(commit) {
			return nil, fault.Usagef("%q is not a commit", line(commit))
		}
		if _, ok := known[commit]; !ok {
			missing[commit] = true
		}
	}
	if len(missing) > 0 {
		found, err := ask(slices.Sorted(maps.Keys(missing)))
		if err != nil {
			return nil, err
		}
		maps.Copy(known, found)
	}
	dates := make(map[string]time.Time, len(commits))
	for _, commit := range commits {
		seconds, ok := known[commit]
		if !ok {
			return nil, fault.Failedf("no time was returned for commit %s", commit)
		}
		dates[commit] = time.Unix(seconds, 0).UTC()
	}
	if len(missing) > 0 {
		if len(known) > maxDates {
			maps.DeleteFunc(known, func(commit string, _ int64) bool { _, asked := dates[commit]; return !asked })
		}
		c.keepDates(known)
	}
	return dates, nil
}
