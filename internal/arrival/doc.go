// Package arrival tells when a request came to this machine: the time that the kernel noted on the packet, and not the one at which a
// goroutine got to it.
//
// Go hands ready connections to its goroutines in no order, and on a busy server milliseconds pass until each has run. What has to
// be fair, a lot's bids, is put into the order of these times (package batch). Where the kernel tells nothing, on systems other
// than Linux, the time of the read stands in for it.
package arrival
