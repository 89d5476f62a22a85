// Package video hands out the tokens by which clients enter the video of a show. Media never comes near this server: a
// token is signed with the provider's secret, and the provider does the rest.
//
// It owns the table video_uid and the sequence video_guest_uid. What must stay true:
//   - the host publishes and everybody else only watches: what the token allows says so, not the client;
//   - the channel is the show's id, so that a token opens one show;
//   - a user has one uid for ever and shares it with nobody; a guest's is used once;
//   - no secret of the provider's is in an answer, an error or a log.
package video
