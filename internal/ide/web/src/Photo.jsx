import { useEffect, useState } from 'react';
import { activeTab, byTab, ofTab } from './identities.js';
import { samplePicture } from './sample.js';
import { useStore } from './store.js';
import { upload } from './upload.js';

export const PHOTO_PLUGIN = { title: 'Photo', icon: CameraIcon, content: Photo };

function Photo() {
  const [state, setState] = useState({});
  useStore(byTab);
  useStore(activeTab);
  useEffect(() => () => state.preview && URL.revokeObjectURL(state.preview), [state.preview]);

  const send = async (picture) => {
    setState({ busy: true });
    try {
      const blob = await picture;
      const preview = URL.createObjectURL(blob);
      setState({ busy: true, preview, size: blob.size });
      setState({ preview, size: blob.size, id: await upload(blob) });
    } catch (error) {
      setState((old) => ({ ...old, busy: false, problem: error.message }));
    }
  };

  return (
    <section className="souk-panel" aria-label="Photo">
      <div className="graphiql-doc-explorer-title">Photo</div>
      <p>Uploads a photo as <strong>{ofTab().name}</strong>; a listing takes its id as <code>{'{{pho}}'}</code>.</p>
      <div className="souk-buttons">
        <label className={state.busy ? 'souk-button disabled' : 'souk-button'}>
          Choose a file…
          <input
            type="file"
            accept="image/jpeg,image/png,image/webp"
            disabled={state.busy}
            onChange={({ target }) => {
              if (target.files[0]) void send(target.files[0]);
              target.value = '';
            }}
          />
        </label>
        <button type="button" className="souk-button" disabled={state.busy} onClick={() => send(samplePicture())}>
          Use a sample picture
        </button>
      </div>
      <Outcome {...state} />
    </section>
  );
}

function Outcome({ busy, preview, size, id, problem }) {
  return (
    <div aria-live="polite">
      {preview && <img className="souk-preview" src={preview} alt="The photo" />}
      {size && <p className="souk-dim">{`${Math.ceil(size / 1024)} KiB${busy ? ', uploading…' : ''}`}</p>}
      {id && (
        <p>
          Uploaded: <code>{id}</code>{' '}
          <button type="button" className="souk-button small" onClick={() => navigator.clipboard.writeText(id)}>Copy</button>
        </p>
      )}
      {problem && <p className="souk-problem" role="alert">{problem}</p>}
    </div>
  );
}

function CameraIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" aria-hidden="true">
      <path d="M3 8.5A1.5 1.5 0 0 1 4.5 7h3L9 4.5h6L16.5 7h3A1.5 1.5 0 0 1 21 8.5v9a1.5 1.5 0 0 1-1.5 1.5h-15A1.5 1.5 0 0 1 3 17.5z" strokeLinejoin="round" />
      <circle cx="12" cy="13" r="3.8" />
    </svg>
  );
}
