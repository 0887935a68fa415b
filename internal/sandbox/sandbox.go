// Package sandbox is an embedded AWS: enough of it that all of branchenv runs with no account. It serves the simulated
// aws provider to the real Pulumi engine, and the AWS APIs that branchenv itself calls on an HTTP endpoint, where
// environments answer on their host names as well.
//
// What exists is stored in one directory, which any number of processes may use at once, each with a server of its
// own. The provider checks inputs against the real provider's schema and the rules of AWS, and has the semantics that
// matter to a deployment tool: names taken, references to what is not there, things in use, buckets that are not
// empty, quotas, waits with states and events, and faults on request (see Fault). It never pretends to be AWS: the
// account is 123456789012, made-up host names end in .invalid.
//
// Importing the package costs nothing; Start takes a few milliseconds.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"github.com/branchenv/branchenv/internal/sandbox/api"
	"github.com/branchenv/branchenv/internal/sandbox/cloud"
	"github.com/branchenv/branchenv/internal/sandbox/disk"
	"github.com/branchenv/branchenv/internal/sandbox/gateway"
	"github.com/branchenv/branchenv/internal/sandbox/platforms"
	"github.com/branchenv/branchenv/internal/sandbox/provider"
	"github.com/branchenv/branchenv/internal/sandbox/services"
)

// Options say how the sandbox is served.
type Options struct {
	// Dir is the directory that holds what exists. It is made if it does not exist. Required.
	Dir string
	// Region is where things are made that say no other. Default us-east-1.
	Region string
	// Addr is where the HTTP endpoint listens. Default 127.0.0.1:0, a free port.
	Addr string
	// Waits are how long operations take. Default: DefaultWaits, times the factor in BRANCHENV_SANDBOX_WAIT (a number;
	// 0: nothing waits).
	Waits *Waits
	// Quotas bound how many there may be in a region, by name: environments, application versions, databases, database
	// subnet groups, load balancers, target groups, listener rules, security groups, VPCs. Absent or 0: any number.
	Quotas map[string]int
	// Faults are what goes wrong, beside those in the directory's faults.json.
	Faults []Fault
	// Log is told what the HTTP endpoint was asked, a line each. Default: nobody.
	Log io.Writer
}

// waitFactor is the environment variable that stretches or removes the default waits.
const waitFactor = "BRANCHENV_SANDBOX_WAIT"

// A Server serves the sandbox over one directory until it is closed.
type Server struct {
	cloud    *cloud.Cloud
	provider net.Listener
	endpoint net.Listener
	grpc     *grpc.Server
	http     *http.Server
	p        *provider.Provider

	announced announcement
}

// Start serves the sandbox. The server ends when ctx does, or when it is closed.
func Start(ctx context.Context, o Options) (*Server, error) {
	c, err := o.open()
	if err != nil {
		return nil, err
	}
	addr := o.Addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	var lc net.ListenConfig
	httpListener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("sandbox endpoint: %w", err)
	}
	grpcListener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		httpListener.Close()
		return nil, fmt.Errorf("sandbox provider: %w", err)
	}
	const unlimited = 400 << 20 // what the engine allows for one message
	s := &Server{
		cloud: c, provider: grpcListener, endpoint: httpListener, p: provider.New(c),
		grpc: grpc.NewServer(grpc.MaxRecvMsgSize(unlimited), grpc.MaxSendMsgSize(unlimited)),
		http: &http.Server{Handler: gateway.New(c, api.New(c, o.Log)), ReadHeaderTimeout: time.Minute},
	}
	pulumirpc.RegisterResourceProviderServer(s.grpc, s.p)
	go s.grpc.Serve(grpcListener)
	go s.http.Serve(httpListener)
	context.AfterFunc(ctx, func() { s.Close() })
	return s, nil
}

// open opens what exists in the directory.
func (o Options) open() (*cloud.Cloud, error) {
	waits, err := o.waits(os.Getenv(waitFactor))
	if err != nil {
		return nil, err
	}
	return cloud.New(cloud.Config{Dir: o.Dir, Region: o.Region, Waits: waits, Quotas: o.Quotas, Faults: o.Faults, Services: slices.Concat(services.All(), platforms.All())})
}

func (o Options) waits(factor string) (Waits, error) {
	if o.Waits != nil {
		return *o.Waits, nil
	}
	if factor == "" {
		return DefaultWaits(), nil
	}
	f, err := strconv.ParseFloat(factor, 64)
	if err != nil || f < 0 {
		return Waits{}, fmt.Errorf("%s is %q: it must be a number from 0, by which the sandbox's waits are multiplied", waitFactor, factor)
	}
	return DefaultWaits().Scale(f), nil
}

// ProviderPort is where the simulated provider listens on 127.0.0.1.
func (s *Server) ProviderPort() int { return s.provider.Addr().(*net.TCPAddr).Port }

// Endpoint is the URL of the AWS APIs.
func (s *Server) Endpoint() string { return "http://" + s.endpoint.Addr().String() }

// Env is the environment in which pulumi, the AWS SDKs and tools meet the sandbox instead of AWS, as NAME=value.
func (s *Server) Env() []string {
	return []string{
		"PULUMI_DEBUG_PROVIDERS=aws:" + strconv.Itoa(s.ProviderPort()),
		// Without it the engine looks for the plugin on the network for seconds, though the provider is attached.
		"PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true",
		"AWS_ENDPOINT_URL=" + s.Endpoint(),
		"AWS_ACCESS_KEY_ID=sandbox",
		"AWS_SECRET_ACCESS_KEY=sandbox",
		"AWS_SESSION_TOKEN=",
		"AWS_PROFILE=",
		"AWS_REGION=" + s.cloud.Region,
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Close ends the server. What exists stays, and what is under way ends in its time.
func (s *Server) Close() error {
	s.p.Close()
	s.grpc.Stop()
	err := s.http.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(s.announced.withdraw(), err)
}

// Resources lists what exists in a sandbox's directory, ordered by type, name and id. A directory that does not exist
// holds nothing.
func Resources(dir string) ([]Resource, error) {
	if _, err := os.Stat(filepath.Join(dir, "resources")); errors.Is(err, os.ErrNotExist) {
		return []Resource{}, nil
	}
	c, err := (Options{Dir: dir, Waits: &Waits{}}).open()
	if err != nil {
		return nil, err
	}
	return c.Resources()
}

// stateDir is where whoever serves the sandbox may keep the stacks that were made in it: they go with it.
const stateDir = "state"

// Reset removes everything that exists, and the directory's "state", where the stacks over it may be kept. It is safe
// beside other processes, which find an empty AWS afterwards. What faults.json asks for stays, counted from the start.
func Reset(dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := checkOurs(dir); err != nil {
		return err
	}
	c, err := (Options{Dir: dir, Waits: &Waits{}}).open()
	if err != nil {
		return err
	}
	return c.Store.Do(func(*cloud.Tx) error {
		buckets, err := c.S3.ListBuckets()
		if err != nil {
			return err
		}
		for _, b := range buckets {
			if err := c.S3.ForceDeleteBucket(b.Name); err != nil {
				return err
			}
		}
		for _, d := range []string{"resources", stateDir} {
			if err := os.RemoveAll(filepath.Join(dir, d)); err != nil {
				return err
			}
		}
		return errors.Join(os.MkdirAll(filepath.Join(dir, "resources"), 0o700), disk.Remove(filepath.Join(dir, cloud.FaultCountsFile)))
	})
}

// checkOurs refuses a directory that is not a sandbox's, so that a mistyped path loses nothing.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch e.Name() {
		case "resources", "s3", "lock", stateDir, cloud.FaultsFile, cloud.FaultCountsFile, servingLock, servingFile:
		default:
			if !strings.HasPrefix(e.Name(), disk.Temporary) {
				return fmt.Errorf("%s is not a sandbox directory: it holds %s", dir, e.Name())
			}
		}
	}
	return nil
}

// Sites are the environments that can be reached on the server by their host names, ordered by those.
func (s *Server) Sites() ([]Site, error) {
	_, port, err := net.SplitHostPort(s.endpoint.Addr().String())
	if err != nil {
		return nil, err
	}
	return gateway.Sites(s.cloud, port)
}
