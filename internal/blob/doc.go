// Package blob keeps objects under keys: on this server's disk, or in a bucket that speaks S3.
//
// Clients send and fetch bytes by signed links, for one key, one method and a time. Both drivers hold to one suite of tests. What must
// stay true: an object is there whole or not at all; deleting what is not there is no error; a store that does not answer is
// ErrUnavailable, which is tried again, and never ErrNotFound.
package blob
