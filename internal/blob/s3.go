package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/souklive/souk/internal/clock"
)

// S3Config says which bucket to use. Of an endpoint that is not Amazon's the bucket stands in the path.
type S3Config struct {
	Endpoint  string // empty for Amazon's
	Region    string
	Bucket    string
	AccessKey string
	SecretKey string
	Clock     clock.Clock
	Client    *http.Client // nil for the usual
}

// S3 keeps objects in a bucket.
type S3 struct {
	bucket string
	client *s3.Client
	signer *s3.PresignClient
	clock  clock.Clock
}

// NewS3 makes a store over a bucket that is there. Nothing is asked of it yet.
func NewS3(c S3Config) *S3 {
	options := s3.Options{
		Region: c.Region, Credentials: credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, ""),
		UsePathStyle: c.Endpoint != "", RetryMaxAttempts: 3,
		// Servers that are not Amazon's know no checksums but those that the protocol demands.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
	}
	if c.Endpoint != "" {
		options.BaseEndpoint = &c.Endpoint
	}
	if c.Client != nil {
		options.HTTPClient = c.Client
	}
	client := s3.New(options)
	return &S3{bucket: c.Bucket, client: client, signer: s3.NewPresignClient(client), clock: c.Clock}
}

// Name implements Store.
func (s *S3) Name() string { return "s3" }

// SignPut implements Store. Length and type are signed headers: the bucket refuses others.
func (s *S3) SignPut(ctx context.Context, key, contentType string, bytes int64, ttl time.Duration) (Ticket, error) {
	if err := checkKey(key); err != nil {
		return Ticket{}, err
	}
	signed, err := s.signer.PresignPutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, ContentType: &contentType, ContentLength: &bytes,
	}, s3.WithPresignExpires(ttl))
	if err != nil {
		return Ticket{}, fmt.Errorf("sign an upload: %w", err)
	}
	return Ticket{
		URL: signed.URL, Method: signed.Method, Headers: []Header{{"Content-Type", contentType}}, ExpiresAt: s.clock.Now().Add(ttl).Truncate(time.Second),
	}, nil
}

// SignGet implements Store.
func (s *S3) SignGet(ctx context.Context, key string, ttl time.Duration) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	signed, err := s.signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key}, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", fmt.Errorf("sign a link: %w", err)
	}
	return signed.URL, nil
}

// immutable is how long whoever fetched an object may keep it: its bytes never change.
const immutable = "public, max-age=31536000, immutable"

// Put implements Store.
func (s *S3) Put(ctx context.Context, key, contentType string, body []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: &contentType, CacheControl: aws.String(immutable),
	})
	return away(err)
}

// Open implements Store.
func (s *S3) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	if err := checkKey(key); err != nil {
		return nil, 0, err
	}
	answer, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return nil, 0, away(err)
	}
	return answer.Body, aws.ToInt64(answer.ContentLength), nil
}

// Delete implements Store: a thousand at a time, as the protocol has it.
func (s *S3) Delete(ctx context.Context, keys ...string) error {
	for len(keys) > 0 {
		n := min(len(keys), 1000)
		objects := make([]types.ObjectIdentifier, n)
		for i := range objects {
			if err := checkKey(keys[i]); err != nil {
				return err
			}
			objects[i].Key = &keys[i]
		}
		answer, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)}})
		if err != nil {
			return away(err)
		}
		if len(answer.Errors) > 0 {
			return fmt.Errorf("%w: %d of %d objects are not deleted, the first since %s", ErrUnavailable, len(answer.Errors), n, aws.ToString(answer.Errors[0].Message))
		}
		keys = keys[n:]
	}
	return nil
}

// List implements Store.
func (s *S3) List(ctx context.Context, prefix, after string) ([]Object, error) {
	answer, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &s.bucket, Prefix: &prefix, StartAfter: &after, MaxKeys: aws.Int32(listed),
	})
	if err != nil {
		return nil, away(err)
	}
	objects := make([]Object, len(answer.Contents))
	for i, o := range answer.Contents {
		objects[i] = Object{aws.ToString(o.Key), aws.ToInt64(o.Size), aws.ToTime(o.LastModified)}
	}
	return objects, nil
}

// away tells what is not there from what does not answer.
func away(err error) error {
	if err == nil {
		return nil
	}
	if _, gone := errors.AsType[*types.NoSuchKey](err); gone {
		return ErrNotFound
	}
	return errors.Join(ErrUnavailable, err)
}
