package s3

import (
	"fmt"
	"slices"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// DeleteObject deletes the current version of an object, or adds a delete marker.
func (s *Store) DeleteObject(bucket, key string) (gofakes3.ObjectDeleteResult, error) {
	return s.deleteOne(bucket, gofakes3.ObjectID{Key: key})
}

// DeleteObjectVersion deletes a version of an object.
func (s *Store) DeleteObjectVersion(bucket, key string, v gofakes3.VersionID) (gofakes3.ObjectDeleteResult, error) {
	return s.deleteOne(bucket, gofakes3.ObjectID{Key: key, VersionID: string(v)})
}

// deleteOne deletes a version of an object, or its current version if id names none.
func (s *Store) deleteOne(bucket string, id gofakes3.ObjectID) (out gofakes3.ObjectDeleteResult, err error) {
	err = s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
		if denied := s.deniedKeys()(id.Key); denied != nil {
			return nil, gofakes3.ErrorMessage(gofakes3.ErrorCode(denied.Code), denied.Message)
		}
		entries, marker, version := b.deletionEntries(id, s.now().UTC())
		out = gofakes3.ObjectDeleteResult{IsDeleteMarker: marker, VersionID: gofakes3.VersionID(version)}
		return entries, nil
	})
	return out, err
}

// deniedKeys returns a function that returns the error for the deletion of a key, nil if it may be deleted.
func (s *Store) deniedKeys() func(key string) *Error {
	if s.Denied == nil {
		return func(string) *Error { return nil }
	}
	return s.Denied()
}

// deletionEntries returns the log entries for a deletion. marker says whether it adds or removes a delete marker; version is
// the id of that marker or of the deleted version. It is no error if there is nothing to delete.
func (b *bucketIndex) deletionEntries(id gofakes3.ObjectID, now time.Time) (entries []*entry, marker bool, version string) {
	if id.VersionID != "" {
		e := b.version(id.Key, id.VersionID)
		if e == nil {
			return nil, false, id.VersionID
		}
		return []*entry{{Op: "remove", Key: id.Key, Version: id.VersionID}}, e.Op == "mark", id.VersionID
	}
	switch b.settings["versioning"] {
	case "Enabled":
		version = newVersion()
		return []*entry{{Op: "mark", Key: id.Key, Version: version, Time: now}}, true, version
	case "Suspended":
		return []*entry{{Op: "mark", Key: id.Key, Version: nullVersion, Time: now}}, true, nullVersion
	}
	if b.version(id.Key, nullVersion) == nil {
		return nil, false, ""
	}
	return []*entry{{Op: "remove", Key: id.Key, Version: nullVersion}}, false, ""
}

// DeleteMulti deletes the current versions of several objects.
func (s *Store) DeleteMulti(bucket string, keys ...string) (gofakes3.MultiDeleteResult, error) {
	ids := make([]gofakes3.ObjectID, len(keys))
	for i, k := range keys {
		ids[i].Key = k
	}
	return s.DeleteMultiVersions(bucket, ids...)
}

// DeleteMultiVersions deletes several versions. Handler does not use it: deleteMany returns more.
func (s *Store) DeleteMultiVersions(bucket string, ids ...gofakes3.ObjectID) (gofakes3.MultiDeleteResult, error) {
	var out gofakes3.MultiDeleteResult
	deleted, failed, err := s.deleteMany(bucket, ids)
	for _, d := range deleted {
		out.Deleted = append(out.Deleted, gofakes3.ObjectID{Key: d.Key, VersionID: d.VersionID})
	}
	for _, f := range failed {
		out.Error = append(out.Error, gofakes3.ErrorResult{Key: f.Key, Code: gofakes3.ErrorCode(f.Code), Message: f.Message})
	}
	return out, err
}

// A deletedObject is an entry of the answer to DeleteObjects.
type deletedObject struct {
	Key                   string `xml:"Key"`
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:"DeleteMarker,omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

// A failedObject is an entry of the answer to DeleteObjects: a version that was not deleted.
type failedObject struct {
	Key       string `xml:"Key"`
	VersionID string `xml:"VersionId,omitempty"`
	Code      string `xml:"Code"`
	Message   string `xml:"Message"`
}

// deleteMany deletes several versions. An id without a version means the current version of its key.
func (s *Store) deleteMany(bucket string, ids []gofakes3.ObjectID) (deleted []deletedObject, failed []failedObject, err error) {
	err = s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
		var all []*entry
		deny := s.deniedKeys()
		for _, id := range ids {
			if denied := deny(id.Key); denied != nil {
				failed = append(failed, failedObject{Key: id.Key, VersionID: id.VersionID, Code: denied.Code, Message: denied.Message})
				continue
			}
			entries, marker, version := b.deletionEntries(id, s.now().UTC())
			d := deletedObject{Key: id.Key, VersionID: id.VersionID, DeleteMarker: marker}
			if marker {
				d.DeleteMarkerVersionID = version
			}
			deleted = append(deleted, d)
			all = append(all, entries...)
		}
		return all, nil
	})
	return deleted, failed, err
}

// DeleteVersions deletes all versions of an object. It returns an Error if a version cannot be deleted.
func (s *Store) DeleteVersions(bucket, key string) error {
	var ids []gofakes3.ObjectID
	err := s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
		for _, e := range b.objects[key] {
			ids = append(ids, gofakes3.ObjectID{Key: key, VersionID: e.Version})
		}
		return nil, nil
	})
	if err != nil || len(ids) == 0 {
		return err
	}
	_, failed, err := s.deleteMany(bucket, ids)
	if err == nil && len(failed) > 0 {
		return &Error{Code: failed[0].Code, Message: failed[0].Message}
	}
	return err
}

// Empty deletes all versions in a bucket, 1000 at a time. The error is worded as the real provider words it.
func (s *Store) Empty(bucket string) error {
	var ids []gofakes3.ObjectID
	err := s.withBucket(bucket, func(b *bucketIndex) ([]*entry, error) {
		for _, key := range b.sorted() {
			for _, e := range b.objects[key] {
				ids = append(ids, gofakes3.ObjectID{Key: key, VersionID: e.Version})
			}
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(ids, 1000) {
		_, failed, err := s.deleteMany(bucket, batch)
		if err != nil {
			return err
		}
		if len(failed) > 0 {
			f := failed[0]
			return fmt.Errorf("deleting S3 object %s version %s: %s: %s", f.Key, f.VersionID, f.Code, f.Message)
		}
	}
	return nil
}
