// Package media takes photos from clients, makes of them what may be shown, and throws away what nobody has. docs/media.md is its design.
//
// It owns the table photo. What must stay true:
//   - a photo is shown only as our own encoder wrote it: what a client sent is never served, but for what was served before there were sizes;
//   - a photo's bytes count only after they were looked at: their kind, their size, their end;
//   - what storage does not answer is tried again, and refuses no photo; what the bytes themselves say does;
//   - nothing that a listing or a show has is thrown away: a photo is given up under its lock, by a statement that sees who has it.
//
// Objects of a photo: uploads/xx/id, what its client sent, private; photos/xx/id-640.jpg, what is shown. An object is written before the row
// that tells of it, and erased after the row that gave it up; what a crash leaves between the two is swept.
package media
