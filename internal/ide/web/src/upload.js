// Uploading a photo: ask for a place, send the bytes there, and say that they are there.
import { post, refusal } from './http.js';
import { authorization, ofTab } from './identities.js';
import { observe } from './known.js';

const operation = `mutation PhotoUploadCreate($i: PhotoUploadCreateInput!) {
  photoUploadCreate(input: $i) {
    upload { photoId url method headers { name value } expiresAt }
    userErrors { code message }
  }
}`;

const completion = `mutation PhotoUploadComplete($i: PhotoUploadCompleteInput!) {
  photoUploadComplete(input: $i) {
    photo { id status }
    userErrors { code message }
  }
}`;

// ask has a mutation of the upload done as the active tab's identity, or fails with what was refused.
async function ask(query, name, input) {
  const value = await authorization(ofTab());
  const operationName = name[0].toUpperCase() + name.slice(1);
  const answer = await post({ query, operationName, variables: { i: input } }, value ? { authorization: value } : {});
  const problem = refusal(answer, name);
  if (problem) throw new Error(problem);
  observe(answer);
  return answer.data[name];
}

// upload returns the photo's id. Its sizes are being made then.
export async function upload(blob) {
  const { upload: place } = await ask(operation, 'photoUploadCreate', { contentType: blob.type, bytes: blob.size });
  const { photoId, url, method, headers } = place;
  const response = await fetch(reachable(url), {
    method,
    headers: Object.fromEntries((headers ?? []).map((header) => [header.name, header.value])),
    body: blob,
  });
  if (!response.ok) {
    throw new Error(`The upload was refused with HTTP ${response.status}: ${(await response.text()).slice(0, 300)}`);
  }
  await ask(completion, 'photoUploadComplete', { photoId });
  return photoId;
}

// reachable turns this very machine under its other name into our own origin, which is all that
// the page's policy lets it talk to.
function reachable(url) {
  const target = new URL(url, location.href);
  const local = ({ hostname }) => ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  const same = local(target) && local(location) && target.port === location.port;
  return same ? new URL(target.pathname + target.search, location.origin) : target;
}
