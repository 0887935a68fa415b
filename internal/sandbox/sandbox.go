// Package sandbox is an embedded AWS in which all of branchenv runs without an account. It serves two things:
//
//   - the simulated aws provider, to the real Pulumi engine (package provider)
//   - the AWS APIs that branchenv calls itself (packages api and s3), over HTTP. At the same address, apps answer on their
//     host names (package gateway).
//
// Both are fronts of package cloud, which stores what exists in one directory. Packages services and platforms say what each
// AWS service does. This package puts them together; its users import no other package of the sandbox.
//
// Any number of processes may use a directory at once, each with a server of its own.
//
// The sandbox has the semantics that matter to a deployment tool: names that are taken, references to what does not exist,
// resources in use, buckets that are not empty, quotas, operations that take time, and faults on request. It never pretends
// to be AWS: the account is 123456789012, and made-up host names end in .invalid.
//
// To import the package costs nothing; Start takes a few milliseconds.
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

// Options say how Start serves the sandbox.
type Options struct {
	// Dir is the directory that stores what exists. Start creates it if it does not exist. Required.
	Dir string
	// Region is used if a request names no other. Default us-east-1.
	Region string
	// Addr is the address of the HTTP endpoint. Default 127.0.0.1:0, a free port.
	Addr string
	// Waits says how long operations take. Default: DefaultWaits, multiplied by the number in BRANCHENV_SANDBOX_WAIT.
	Waits *Waits
	// Quotas says how many there may be in a region, by name: environments, application versions, databases, database subnet
	// groups, load balancers, target groups, listener rules, security groups, VPCs. Absent or 0: any number.
	Quotas map[string]int
	// Faults are faults in addition to those in the directory's faults.json.
	Faults []Fault
	// Log gets a line for each request to the HTTP endpoint. Default: none.
	Log io.Writer
}

// waitFactor is the environment variable by which the default waits are multiplied.
const waitFactor = "BRANCHENV_SANDBOX_WAIT"

// A Server serves the sandbox over a directory.
type Server struct {
	cloud    *cloud.Cloud
	provider net.Listener
	endpoint net.Listener
	grpc     *grpc.Server
	http     *http.Server
	p        *provider.Provider

	announced announcement
}

// Start serves the sandbox until the server is closed or ctx is done.
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
	const largest = 400 << 20 // the engine's limit for a message, in bytes
	s := &Server{
		cloud: c, provider: grpcListener, endpoint: httpListener, p: provider.New(c),
		grpc: grpc.NewServer(grpc.MaxRecvMsgSize(largest), grpc.MaxSendMsgSize(largest)),
		http: &http.Server{Handler: gateway.New(c, api.New(c, o.Log)), ReadHeaderTimeout: time.Minute},
	}
	pulumirpc.RegisterResourceProviderServer(s.grpc, s.p)
	go s.grpc.Serve(grpcListener)
	go s.http.Serve(httpListener)
	context.AfterFunc(ctx, func() { s.Close() })
	return s, nil
}

// open opens the directory, with all services.
func (o Options) open() (*cloud.Cloud, error) {
	waits, err := o.waits(os.Getenv(waitFactor))
	if err != nil {
		return nil, err
	}
	return cloud.New(cloud.Config{Dir: o.Dir, Region: o.Region, Waits: waits, Quotas: o.Quotas, Faults: o.Faults, Services: slices.Concat(services.All(), platforms.All())})
}

// waits returns the waits to use. factor is the value of the environment variable.
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

// ProviderPort returns the port of the simulated provider on 127.0.0.1.
func (s *Server) ProviderPort() int { return s.provider.Addr().(*net.TCPAddr).Port }

// Endpoint returns the URL of the AWS APIs.
func (s *Server) Endpoint() string { return "http://" + s.endpoint.Addr().String() }

// Env returns the environment variables, as NAME=value, that point pulumi, the AWS SDKs and other tools to the sandbox.
func (s *Server) Env() []string {
	return []string{
		"PULUMI_DEBUG_PROVIDERS=aws:" + strconv.Itoa(s.ProviderPort()),
		// Otherwise the engine searches the network for the plugin, for seconds, although the provider is attached.
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

// Close stops the server. Everything that exists stays, and accepted operations end in their time.
func (s *Server) Close() error {
	s.p.Close()
	s.grpc.Stop()
	err := s.http.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return errors.Join(s.announced.withdraw(), err)
}

// Resources lists what exists in a directory, ordered by type, name and id. In a directory that does not exist, nothing
// exists.
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

// stateDir is the folder of the directory where a user of this package may keep its stacks. Reset removes it.
const stateDir = "state"

// Reset removes everything that exists, and the folder "state" of the directory. Other processes may use the directory
// meanwhile; they find an empty AWS afterwards. The faults in faults.json stay, but are counted from the start.
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

// checkOurs returns an error if a directory is not a sandbox's. So a mistyped path does no harm.
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

// Sites returns the apps that answer on host names, ordered by these.
func (s *Server) Sites() ([]Site, error) {
	_, port, err := net.SplitHostPort(s.endpoint.Addr().String())
	if err != nil {
		return nil, err
	}
	return gateway.Sites(s.cloud, port)
}
