package main

import (
	"path/filepath"

	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/clock"
	"github.com/souklive/souk/internal/media"
)

// newMedia keeps photos, labels of parcels and invoices in a bucket where one is set, else on this server's disk, which serves what it has either way.
func newMedia(s *services, key []byte, jobs media.Jobs) (_ *media.Service, _ *blob.Disk, labels blob.Store, _ error) {
	base := func() string { return s.publicURL }
	disk, err := blob.NewDisk(filepath.Join(s.stateDir, "photos"), base, key, clock.System{})
	if err != nil {
		return nil, nil, nil, err
	}
	config := media.Config{Pool: s.pool, Disk: disk, BaseURL: base, Jobs: jobs, Log: s.log}
	if c := s.config; c.S3Bucket != "" {
		config.Bucket = blob.NewS3(blob.S3Config{
			Endpoint: c.S3Endpoint, Region: c.S3Region, Bucket: c.S3Bucket, AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey.Reveal(), Clock: clock.System{},
		})
	}
	if labels = disk; config.Bucket != nil {
		labels = config.Bucket
	}
	return media.New(config), disk, labels, nil
}
