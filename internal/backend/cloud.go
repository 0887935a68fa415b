package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	pulumiworkspace "github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/internal/fault"
)

// cloudBackend reads Pulumi Cloud, or a self-hosted installation of it, through the API that the pulumi CLI uses
// (pkg/v3/backend/httpstate/client).
type cloudBackend struct {
	url     string
	token   string
	project string
	client  *http.Client
}

// maxResponse limits a response of the service, in bytes: more than any state, less than a machine's memory.
const maxResponse = 256 << 20

// openCloud takes the token from PULUMI_ACCESS_TOKEN, else from the credentials of `pulumi login`.
func openCloud(backendURL, project string, env func(string) string) (*cloudBackend, error) {
	backendURL = strings.TrimSuffix(backendURL, "/")
	token := env("PULUMI_ACCESS_TOKEN")
	if token == "" {
		account, err := pulumiworkspace.GetAccount(backendURL)
		if err != nil {
			return nil, fault.Usagef("read the Pulumi credentials: %w", err).WithHint("set PULUMI_ACCESS_TOKEN")
		}
		token = account.AccessToken
	}
	if token == "" {
		return nil, fault.Usagef("not logged in to %s", backendURL).WithHint("set PULUMI_ACCESS_TOKEN, or run: pulumi login %s", backendURL)
	}
	return &cloudBackend{url: backendURL, token: token, project: project, client: &http.Client{Timeout: time.Minute}}, nil
}

func (b *cloudBackend) SelfManaged() bool { return false }
func (b *cloudBackend) Close() error      { b.client.CloseIdleConnections(); return nil }

var (
	errNotFound  = errors.New("not found") // the service answered 404
	errMalformed = errors.New("the answer is not what it claims to be")
)

// connectionTries is how often a GET is tried if its connection fails.
const connectionTries = 3

// call makes one request. A GET that meets a server error or a rate limit is repeated for a minute. A GET whose connection
// fails is repeated a few times: among thousands of requests one fails.
func (b *cloudBackend) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	broken := 0
	once := func() (struct{}, error) {
		err := b.request(ctx, method, path, query, body, out)
		var status statusError
		if errors.As(err, &status) && (status.code >= 500 || status.code == http.StatusTooManyRequests) && method == http.MethodGet {
			return struct{}{}, err
		}
		var connection net.Error
		if (errors.As(err, &connection) || errors.Is(err, io.ErrUnexpectedEOF)) && method == http.MethodGet {
			if broken++; broken < connectionTries {
				return struct{}{}, err
			}
		}
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, nil
	}
	_, err = backoff.Retry(ctx, once, backoff.WithMaxElapsedTime(time.Minute))
	return err
}

// statusError is a response with an unexpected status code.
type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.code, e.text) }

func (b *cloudBackend) request(ctx context.Context, method, path string, query url.Values, body []byte, out any) error {
	address := b.url + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return err
	}
	if method != http.MethodGet {
		req.Body = io.NopCloser(bytes.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "token "+b.token)
	req.Header.Set("Accept", "application/vnd.pulumi+8") // the API version of this SDK's types
	resp, err := b.client.Do(req)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return errNotFound
	case resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return fault.Usagef("%s refuses the access token (HTTP %d)", b.url, resp.StatusCode).WithHint("set PULUMI_ACCESS_TOKEN to a token that may read and write project %s", b.project)
	case resp.StatusCode/100 != 2:
		return statusError{resp.StatusCode, fault.Line(string(data))}
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("%w: %w", errMalformed, err)
	}
	return nil
}

// names returns all stacks of the project that the service lists, from all pages.
func (b *cloudBackend) names(ctx context.Context) ([]apitype.StackSummary, error) {
	var all []apitype.StackSummary
	failed := func(err error) error {
		err = fmt.Errorf("list the stacks of %s at %s: %w", b.project, b.url, err)
		if !fault.Hint(err).IsZero() {
			return err
		}
		return fault.Failedf("%w", err).WithHint("check backend in the settings, and whether the service is well")
	}
	seen := map[string]bool{}
	for query := (url.Values{"project": {b.project}}); ; {
		var page struct {
			Stacks            json.RawMessage `json:"stacks"` // null also means none
			ContinuationToken *string         `json:"continuationToken"`
		}
		if err := b.call(ctx, http.MethodGet, "/api/user/stacks", query, nil, &page); err != nil {
			return nil, failed(err)
		}
		var stacks []apitype.StackSummary
		if page.Stacks == nil {
			return nil, failed(fmt.Errorf("%w: it has no stacks", errMalformed))
		}
		if err := json.Unmarshal(page.Stacks, &stacks); err != nil {
			return nil, failed(fmt.Errorf("%w: %w", errMalformed, err))
		}
		for _, s := range stacks {
			if s.ProjectName == b.project {
				all = append(all, s)
			}
		}
		if page.ContinuationToken == nil {
			break
		}
		if seen[*page.ContinuationToken] {
			return nil, failed(fmt.Errorf("%w: a page of it comes again", errMalformed))
		}
		seen[*page.ContinuationToken] = true
		query.Set("continuationToken", *page.ContinuationToken)
	}
	slices.SortFunc(all, func(a, b apitype.StackSummary) int { return strings.Compare(a.StackName, b.StackName) })
	for i := 1; i < len(all); i++ {
		if all[i].StackName == all[i-1].StackName {
			return nil, fault.Usagef("stack %s of project %s exists in two organizations, %s and %s", all[i].StackName, b.project, all[i-1].OrgName, all[i].OrgName).
				WithHint("use a token that sees one of them only")
		}
	}
	return all, nil
}

func (b *cloudBackend) List(ctx context.Context) ([]Facts, error) {
	names, err := b.names(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Facts, len(names))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, s := range names {
		group.Go(func() error {
			f, err := b.facts(gctx, s)
			f.Broken = err
			all[i] = f
			return gctx.Err()
		})
	}
	return all, group.Wait()
}

func (b *cloudBackend) Read(ctx context.Context, name string) (*Facts, error) {
	s, err := b.find(ctx, name)
	if err != nil || s == nil {
		return nil, err
	}
	f, err := b.facts(ctx, *s)
	if err != nil {
		return nil, err
	}
	return &f, nil
}

func (b *cloudBackend) find(ctx context.Context, name string) (*apitype.StackSummary, error) {
	names, err := b.names(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(names, func(s apitype.StackSummary) bool { return s.StackName == name })
	if i < 0 {
		return nil, nil
	}
	return &names[i], nil
}

func (b *cloudBackend) path(s apitype.StackSummary, rest string) string {
	return "/api/stacks/" + url.PathEscape(s.OrgName) + "/" + url.PathEscape(b.project) + "/" + url.PathEscape(s.StackName) + rest
}

func (b *cloudBackend) facts(ctx context.Context, s apitype.StackSummary) (Facts, error) {
	f := Facts{Name: s.StackName, Project: b.project, Tags: map[string]string{}}
	unreadable := func(what string, err error) (Facts, error) {
		err = fmt.Errorf("read the %s of stack %s at %s: %w", what, s.StackName, b.url, err)
		if !fault.Hint(err).IsZero() {
			return f, err
		}
		return f, fault.Failedf("%w", err).WithHint("run the same command again; if that does not help: pulumi stack export --stack %s says more", b.Location().qualified(s.StackName))
	}
	stack, err := b.stack(ctx, s)
	if err != nil {
		return unreadable("tags", err)
	}
	for k, v := range stack.Tags {
		f.Tags[k] = v
	}
	if op := stack.CurrentOperation; op != nil {
		f.Locks = []Lock{{Stack: s.StackName, Username: op.Author, Hostname: b.url, Timestamp: time.Unix(op.Started, 0)}}
	}
	var export struct {
		Deployment *State `json:"deployment"`
	}
	if err := b.call(ctx, http.MethodGet, b.path(s, "/export"), nil, nil, &export); err != nil {
		return unreadable("state", err)
	}
	if export.Deployment != nil {
		f.State = *export.Deployment
	}
	f.Changed = f.State.Manifest.Time
	var latest latestUpdate
	switch err := b.call(ctx, http.MethodGet, b.path(s, "/updates/latest"), nil, nil, &latest); {
	case err == nil:
		f.LastUpdate = &latest.Info.Update
		f.LastUpdate.Config = map[string]json.RawMessage{}
		for key, value := range latest.Info.Config {
			if value.Object && !value.Secret {
				f.LastUpdate.Config[key] = json.RawMessage(value.String)
			}
		}
	case !errors.Is(err, errNotFound): // not found: never updated
		return unreadable("history", err)
	}
	return f, nil
}

func (b *cloudBackend) stack(ctx context.Context, s apitype.StackSummary) (stack apitype.Stack, err error) {
	err = b.call(ctx, http.MethodGet, b.path(s, ""), nil, nil, &stack)
	return stack, err
}

// latestUpdate is the service's answer about a stack's last update.
type latestUpdate struct {
	Info struct {
		Update
		Config map[string]apitype.ConfigValue `json:"config"`
	} `json:"info"`
}

// LocksBefore returns none: the service itself ends abandoned updates.
func (b *cloudBackend) LocksBefore(context.Context, time.Time) ([]Lock, error) { return nil, nil }

func (b *cloudBackend) Hold(context.Context, string, int) func() { return func() {} }

// Create returns errors.ErrUnsupported: only pulumi knows the organization.
func (b *cloudBackend) Create(context.Context, string, map[string]string, func(Lock) bool) error {
	return errors.ErrUnsupported
}

// SetTags replaces the stack's tags. The service's own tags stay unchanged.
func (b *cloudBackend) SetTags(ctx context.Context, name string, tags map[string]string) error {
	s, err := b.find(ctx, name)
	if err != nil {
		return err
	}
	if s == nil {
		return fault.Failedf("tag stack %s: it is gone", name)
	}
	if err := b.call(ctx, http.MethodPatch, b.path(*s, "/tags"), nil, tags, nil); err != nil {
		return fault.Failedf("tag stack %s: %w", name, err)
	}
	return nil
}

// BreakLock returns an error: the service itself ends the updates of dead holders.
func (b *cloudBackend) BreakLock(_ context.Context, l Lock) error {
	return b.Location().LockedError(l.Stack)
}
