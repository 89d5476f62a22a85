package media

import (
	"github.com/souklive/souk/internal/blob"
	"github.com/souklive/souk/internal/fault"
)

// The refusals of this package.
var (
	ErrPhotoUnknown = fault.New(fault.NotFound, "PHOTO_NOT_FOUND", "The photo must be yours, and uploaded.")
	ErrType         = fault.New(fault.Invalid, "PHOTO_TYPE", "A photo is a JPEG, a PNG or a still WebP, of the announced kind.")
	ErrSize         = blob.ErrSize
	ErrCut          = blob.ErrBody
	ErrLink         = blob.ErrLink
	ErrTwice        = fault.New(fault.Conflict, "UPLOAD_DONE", "This photo was uploaded already.")
	ErrMissing      = fault.New(fault.Precondition, "UPLOAD_MISSING", "The photo's bytes have not arrived. Send them as photoUploadCreate said, then try again.")
	ErrAway         = fault.New(fault.Unavailable, "STORAGE_UNAVAILABLE", "The storage of photos does not answer. Try again.")
)
