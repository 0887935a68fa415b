package stacks

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"

	"github.com/branchenv/branchenv/internal/backend"
)

// BenchmarkListS3 lists 2000 stacks with states of real size on an S3 server that takes 20 ms for each request: the first time, and with
// the index that the first has left. Beside it, what a new environment asks for: the host names of all.
func BenchmarkListS3(b *testing.B) {
	const stacks = 2000
	x := newBenchmark(b)
	branch := x.made()
	var requests atomic.Int64
	server := gofakes3.New(s3mem.New(), gofakes3.WithAutoBucket(true)).Server()
	latency := time.Duration(0)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		time.Sleep(latency)
		server.ServeHTTP(w, r)
	}))
	b.Cleanup(front.Close)
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"} {
		b.Setenv(name, value)
	}
	address := "s3://state?s3ForcePathStyle=true&region=eu-central-1&endpoint=" + front.URL
	bucket, err := blob.OpenBucket(b.Context(), address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = bucket.Close() })
	store, err := backend.Open(b.Context(), address, "shop", os.Getenv)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	history, err := filepath.Glob(filepath.Join(x.backend, ".pulumi/history/shop", branch, "*"))
	if err != nil || len(history) == 0 {
		b.Fatal(history, err)
	}
	files := append(history, filepath.Join(x.backend, ".pulumi/stacks/shop", branch+".json"), filepath.Join(x.backend, ".pulumi/stacks/shop", branch+".pulumi-tags"))
	var group errgroup.Group
	group.SetLimit(8)
	for n := range stacks {
		for _, file := range files {
			group.Go(func() error {
				data, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				key, err := filepath.Rel(x.backend, file)
				if err != nil {
					return err
				}
				name := fmt.Sprintf("copy%d", n)
				rename := func(text []byte) []byte { return bytes.ReplaceAll(text, []byte(branch), []byte(name)) }
				return bucket.WriteAll(b.Context(), string(rename([]byte(filepath.ToSlash(key)))), rename(data), nil)
			})
		}
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	time.Sleep(4 * time.Second) // what is younger is not put into the index
	const index = ".branchenv/index-shop.json.zst"
	latency = 20 * time.Millisecond
	run := func(name string, do func() (int, error)) {
		b.Run(name, func(b *testing.B) {
			before := requests.Load()
			for range b.N {
				if n, err := do(); err != nil || n != stacks {
					b.Fatalf("%d of %d, %v", n, stacks, err)
				}
			}
			b.ReportMetric(float64(requests.Load()-before)/float64(b.N), "requests/op")
		})
	}
	list := func() (int, error) {
		all, err := store.List(b.Context())
		return len(all), err
	}
	run("first", func() (int, error) {
		_ = bucket.Delete(b.Context(), index)
		return list()
	})
	run("again", list)
	run("hosts", func() (int, error) {
		_ = bucket.Delete(b.Context(), index)
		_, err := store.Hosts(b.Context())
		return stacks, err
	})
	run("one", func() (int, error) {
		_, err := store.Read(b.Context(), "copy1")
		return stacks, err
	})
}
