// Package showchat is what is said in a show, and who keeps order there.
//
// It owns the tables show_chat, show_message, show_member and show_moderation. What must stay true:
//   - one writer a chat: whoever posts or moderates holds the row of show_chat, and reads the time, the database's, after it has it;
//   - messages of a show are numbered from 1 without a hole, and their events come in the same order;
//   - messages are written in groups (internal/batch); a message is judged by what holds when its group is written;
//   - an event of posted messages names their numbers: what they say is read when it is shown, so that what was deleted is gone
//     from every event that comes later, also from those that are replayed;
//   - whatever a moderator does is kept, with who and why, in the order in which it happened. What comes later stands. Doing what
//     is done already is no error, and kept as well.
//
// Lock order: show_chat, then the show's feed.
package showchat
