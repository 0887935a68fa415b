package aws

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// TestMemoryOfEmptyBucket checks that memory does not grow with the bucket: near the end of 150 pages as much is in use as near
// the end of 30. It measures the whole process, and so cannot run beside other tests.
func TestMemoryOfEmptyBucket(t *testing.T) {
	few, many := inUse(t, 30), inUse(t, 150)
	// 120,000 entries held would be more than 10 MB.
	if many > few+3<<20 {
		t.Errorf("%d KiB are in use after 30 pages, %d KiB after 150", few>>10, many>>10)
	}
}

// inUse empties a bucket of that many full pages. It returns the heap in use, in bytes, when the last page is listed.
func inUse(t *testing.T, pages int) (heap uint64) {
	t.Helper()
	var round atomic.Int32
	var g *gateway
	g = newGatewayTo(t, http.NotFoundHandler(), func(w http.ResponseWriter, op, _ string) bool {
		switch op {
		case "uploads":
			round.Add(1)
			fmt.Fprint(w, `<ListMultipartUploadsResult><Bucket>b</Bucket></ListMultipartUploadsResult>`)
		case "delete":
			fmt.Fprint(w, `<DeleteResult/>`)
		case "list":
			n := g.count("list")
			if round.Load() > 1 { // empty now
				fmt.Fprint(w, `<ListVersionsResult><Name>b</Name></ListVersionsResult>`)
				break
			}
			if n == pages {
				runtime.GC()
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				heap = m.HeapAlloc
			}
			var b strings.Builder
			for i := range 1000 {
				fmt.Fprintf(&b, "<Version><Key>some/longer/key/%d/%d</Key><VersionId>v%d</VersionId></Version>", n, i, i)
			}
			fmt.Fprintf(w, `<ListVersionsResult><Name>b</Name><IsTruncated>%t</IsTruncated><NextKeyMarker>some/longer/key/%d/999</NextKeyMarker>%s</ListVersionsResult>`, n < pages, n, &b)
		}
		return true
	})
	got, err := open(t, g.url).EmptyBucket(t.Context(), "b", nil)
	if err != nil || got.Versions != pages*1000 {
		t.Fatalf("got %v, %v", got, err)
	}
	return heap
}
