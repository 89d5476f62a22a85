// Package picture looks at pictures of strangers, and makes of them what may be shown.
//
// What must stay true: nothing is decoded before its size is known and bounded, and what is shown was written by our own encoder, so that
// neither EXIF (where a photo was taken) nor whatever else hides in a file comes out again. There is no pure Go encoder of lossy WebP:
// what comes out is JPEG.
package picture
