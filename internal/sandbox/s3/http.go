package s3

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

// A Handler answers S3 requests. The library gofakes3 answers most of them. The handler answers those that the library does
// not know, or answers otherwise than AWS: a bucket's subresources, the deletion of many objects, and null versions. It
// decodes the chunked bodies that SDKs send.
type Handler struct {
	store   *Store
	library http.Handler
	region  string
	owner   string
}

// NewHandler returns a handler for the buckets in a store. They are in a region and belong to an account.
func NewHandler(store *Store, region, owner string) *Handler {
	lib := gofakes3.New(store, gofakes3.WithTimeSkewLimit(0), gofakes3.WithLogger(gofakes3.DiscardLog()))
	return &Handler{store: store, library: lib.Server(), region: region, owner: owner}
}

// subresources returns the settings of a bucket that are stored as they are sent, each with the error if it is not set. If
// the error is "", the answer is an empty document.
func subresources() map[string]string {
	return map[string]string{
		"policy":            "NoSuchBucketPolicy: The bucket policy does not exist",
		"cors":              "NoSuchCORSConfiguration: The CORS configuration does not exist",
		"lifecycle":         "NoSuchLifecycleConfiguration: The lifecycle configuration does not exist",
		"encryption":        "ServerSideEncryptionConfigurationNotFoundError: The server side encryption configuration was not found",
		"publicAccessBlock": "NoSuchPublicAccessBlockConfiguration: The public access block configuration was not found",
		"ownershipControls": "OwnershipControlsNotFoundError: The bucket ownership controls were not found",
		"tagging":           "NoSuchTagSet: The TagSet does not exist",
		"object-lock":       "ObjectLockConfigurationNotFoundError: Object Lock configuration does not exist for this bucket",
		"website":           "NoSuchWebsiteConfiguration: The specified bucket does not have a website configuration",
		"replication":       "ReplicationConfigurationNotFoundError: The replication configuration was not found",
		"logging":           "",
		"notification":      "",
		"acl":               "",
	}
}

// Operation returns the name of the S3 operation that a request asks for. Faults match it; the names of operations that no
// fault needs may be wrong.
func Operation(r *http.Request) string {
	q := r.URL.Query()
	_, key := SplitPath(r.URL.Path)
	switch {
	case r.Method == http.MethodPost && q.Has("delete"):
		return "DeleteObjects"
	case q.Has("versions"):
		return "ListObjectVersions"
	case q.Has("uploads") && r.Method == http.MethodGet:
		return "ListMultipartUploads"
	case q.Has("uploadId") && r.Method == http.MethodDelete:
		return "AbortMultipartUpload"
	case q.Has("versioning"):
		return map[string]string{"GET": "GetBucketVersioning", "PUT": "PutBucketVersioning"}[r.Method]
	case key == "" && r.URL.Path == "/":
		return "ListBuckets"
	case key == "":
		return map[string]string{"GET": "ListObjectsV2", "HEAD": "HeadBucket", "PUT": "CreateBucket", "DELETE": "DeleteBucket"}[r.Method]
	}
	return map[string]string{"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject", "POST": "CreateMultipartUpload"}[r.Method]
}

// SplitPath splits the path of a request.
func SplitPath(path string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return bucket, key
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key := SplitPath(r.URL.Path)
	q := r.URL.Query()
	if err := decodeChunked(r); err != nil {
		WriteError(w, &Error{"InvalidRequest", err.Error(), 400})
		return
	}
	if key == "" && bucket != "" {
		if q.Has("location") && r.Method == http.MethodGet {
			h.location(w, bucket)
			return
		}
		for name, missing := range subresources() {
			if q.Has(name) {
				h.subresource(w, r, bucket, name, missing)
				return
			}
		}
		if q.Has("delete") && r.Method == http.MethodPost {
			h.deleteObjects(w, r, bucket)
			return
		}
	}
	if key != "" && q.Has("tagging") {
		h.objectTagging(w, r)
		return
	}
	if key != "" && q.Get("versionId") == nullVersion && r.Method == http.MethodDelete {
		// The library ignores the null version, and would add a delete marker.
		out, err := h.store.deleteOne(bucket, gofakes3.ObjectID{Key: key, VersionID: nullVersion})
		if err != nil {
			WriteError(w, err)
			return
		}
		w.Header().Set("X-Amz-Version-Id", nullVersion)
		w.Header().Set("X-Amz-Delete-Marker", strconv.FormatBool(out.IsDeleteMarker))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if r.Method == http.MethodHead && q.Has("versionId") {
		// The library answers HEAD with the current version. The server drops the body of a GET here.
		r = r.Clone(r.Context())
		r.Method = http.MethodGet
	}
	h.library.ServeHTTP(w, r)
}

// location answers GetBucketLocation.
func (h *Handler) location(w http.ResponseWriter, bucket string) {
	if err := h.store.withBucket(bucket, func(*bucketIndex) ([]*entry, error) { return nil, nil }); err != nil {
		WriteError(w, err)
		return
	}
	where := h.region
	if where == "us-east-1" { // the only region without a constraint
		where = ""
	}
	writeXML(w, 200, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: where})
}

// subresource stores, removes or returns a setting of a bucket.
func (h *Handler) subresource(w http.ResponseWriter, r *http.Request, bucket, name, missing string) {
	switch r.Method {
	case http.MethodPut:
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = h.store.setting(bucket, name, string(body))
		}
		if err != nil {
			WriteError(w, err)
		}
	case http.MethodDelete:
		if err := h.store.setting(bucket, name, ""); err != nil {
			WriteError(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		var value string
		err := h.store.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
			value = b.settings[name]
			return nil, nil
		})
		switch {
		case err != nil:
			WriteError(w, err)
		case value == "" && missing != "":
			code, message, _ := strings.Cut(missing, ": ")
			WriteError(w, &Error{code, message, http.StatusNotFound})
		case value == "" && name == "acl":
			io.WriteString(w, xml.Header+`<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>`+h.owner+`</ID></Owner><AccessControlList></AccessControlList></AccessControlPolicy>`)
		case value == "":
			root := map[string]string{"logging": "BucketLoggingStatus", "notification": "NotificationConfiguration"}[name]
			fmt.Fprintf(w, xml.Header+`<%[1]s xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></%[1]s>`, root)
		default:
			io.WriteString(w, value)
		}
	}
}

// objectTagging accepts tags but does not store them: an object has none.
func (h *Handler) objectTagging(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		io.WriteString(w, xml.Header+`<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet></TagSet></Tagging>`)
	}
}

// deleteObjects answers DeleteObjects.
func (h *Handler) deleteObjects(w http.ResponseWriter, r *http.Request, bucket string) {
	var in gofakes3.DeleteRequest
	if err := xml.NewDecoder(r.Body).Decode(&in); err != nil || len(in.Objects) == 0 || len(in.Objects) > 1000 {
		WriteError(w, &Error{"MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400})
		return
	}
	deleted, failed, err := h.store.deleteMany(bucket, in.Objects)
	if err != nil {
		WriteError(w, err)
		return
	}
	if in.Quiet {
		deleted = nil
	}
	writeXML(w, 200, struct {
		XMLName xml.Name        `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Deleted []deletedObject `xml:"Deleted"`
		Errors  []failedObject  `xml:"Error"`
	}{Deleted: deleted, Errors: failed})
}

// writeXML writes an answer.
func writeXML(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	io.WriteString(w, xml.Header)
	xml.NewEncoder(w).Encode(v)
}

// decodeChunked replaces a request's body in the aws-chunked encoding by its contents. Signatures and trailing checksums are
// not checked.
func decodeChunked(r *http.Request) error {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return nil
	}
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil {
		return errors.New("missing x-amz-decoded-content-length")
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{&chunkReader{in: bufio.NewReader(r.Body)}, r.Body}
	r.ContentLength = length
	r.Header.Set("Content-Length", strconv.FormatInt(length, 10))
	r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
	if enc := strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Content-Encoding"), "aws-chunked"), ","); enc == "" {
		r.Header.Del("Content-Encoding")
	} else {
		r.Header.Set("Content-Encoding", strings.Trim(enc, ", "))
	}
	return nil
}

// A chunkReader reads the contents of an aws-chunked body. A chunk is a hexadecimal size, extensions after a semicolon, a line
// end, the data and a line end. A chunk of size 0 is the last one; trailers follow it.
type chunkReader struct {
	in   *bufio.Reader
	left int64
	done bool
}

// Read reads the contents.
func (c *chunkReader) Read(p []byte) (int, error) {
	for c.left == 0 {
		if c.done {
			return 0, io.EOF
		}
		line, err := c.in.ReadString('\n')
		if err != nil {
			return 0, io.ErrUnexpectedEOF
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		if size == "" { // the line end after a chunk's data
			continue
		}
		c.left, err = strconv.ParseInt(size, 16, 64)
		if err != nil || c.left < 0 {
			return 0, fmt.Errorf("bad chunk size %q", size)
		}
		if c.left == 0 {
			c.done = true
			io.Copy(io.Discard, c.in)
			return 0, io.EOF
		}
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err == io.EOF && c.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
