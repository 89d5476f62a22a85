// Package chat carries conversations between a buyer and a seller about a listing.
//
// It owns the tables conversation and message. What must stay true:
//   - only its two members read a conversation or write into it: membership is part of every WHERE;
//   - the conversation's row hands out a version for each message under its lock, so that the messages'
//     versions have no hole and their order is the order of commit;
//   - each message is an event of the topic conversation:<id>; who types is a broadcast on it, and kept nowhere.
package chat
