// Package audience executes a subscription once for all who watch the same, and a query once for all strangers who ask it at one time.
//
// A group is the viewers of one Kind whose subscription selects the same fields with the same arguments, the cursor left out,
// where the schema marks each of the fields @shared: the same for everybody. Its operation is executed once for each
// event, and encoded once; every viewer is handed the same bytes. Whatever else is selected is not for this package,
// and is executed for its viewer alone.
//
// A query of strangers that selects nothing but shared fields is executed once for all who ask it while another execution of it is under
// way (Groups.Answer). Nothing of it is kept.
//
// What must stay true:
//
//   - A viewer sees consecutive versions, each once, as if alone: first what its cursor asks for (a snapshot, or what
//     follows its version), then what happens.
//   - Bytes handed to viewers are never changed again.
//   - A viewer that does not read delays nobody: Viewer.Next does not wait.
//   - Viewers are let in before they come here; nothing here looks at who they are.
//
// A topic's resolver finds its Run in the context: where it begins, and whom it tells the version of each event that
// it hands on.
package audience
