import {
  forwarderLabel,
  isReaper,
  labelNames,
  reuseLabel,
  testcontainersLabel,
  testcontainersSessionLabel as sessionLabel,
} from '../core/labels';
import { addLabelsToChanges } from './add-labels';
import type { CreateRequest } from './read-create-request';
import { changesOf } from './request-labels';

/**
 * Whether a request must be left unchanged: castoff has labelled it already; it creates a reaper; or the
 * resource is meant to outlive the run, through `withReuse()` or `deleteOnExit: false`.
 */
export function isUntracked(request: CreateRequest, path: string): boolean {
  const { labels, labelsGoInto } = request;
  if (labelNames.session in labels || createsReaper(request) || reuseLabel in labels) return true;
  if (labelsGoInto === 'query') return testcontainersLabel in labels && !(sessionLabel in labels);
  return isKept(path);
}

/**
 * Whether a request creates a reaper. The label that clients find a Ryuk by may be that of its image alone.
 *
 * @see testcontainers: `testcontainers-ryuk-<session>` in Node.js, Java, Python and .NET; Go labels its container
 */
export function createsReaper({ labels, name = '' }: CreateRequest): boolean {
  return isReaper(labels) || name.startsWith('testcontainers-ryuk-');
}

/** Whether another copy of castoff in this process, as in a sandbox, labelled it: it belongs to the run. */
export function isOfAnotherCopy({ labels, labelsGoInto }: CreateRequest, session: string): boolean {
  return (
    labelsGoInto === 'body' &&
    (labels[labelNames.session] ?? session) !== session &&
    labels[labelNames.pid] === String(process.pid) &&
    !isReaper(labels)
  );
}

/** Whether user code added the labels of a session, which lack those of a single creation. */
export function isLabelledByHand({ labels }: CreateRequest): boolean {
  return labelNames.session in labels && !(labelNames.nonce in labels) && !isReaper(labels);
}

/** With `deleteOnExit: false`, testcontainers' `commit()` blanks the session label that an image inherits. */
function isKept(path: string): boolean {
  return changesOf(path).some((line) => line.trim() === `LABEL ${sessionLabel}=`);
}

/** Whether testcontainers creates it for itself, with no API to remove it: it leaves that to its reaper. */
export function isHelper({ kind, labels }: CreateRequest, path: string): boolean {
  if (labels[forwarderLabel] === 'true') return true;
  return (
    kind === 'image' &&
    (sessionLabel in labels || changesOf(path).some((line) => line.includes(`${sessionLabel}=`)))
  );
}

/** Returns a path that blanks the ownership labels which an untracked image would inherit, if it does. */
export function stripOwnershipLabels(path: string): string | undefined {
  return isKept(path)
    ? addLabelsToChanges(path, { [labelNames.session]: '', [labelNames.start]: '' })
    : undefined;
}
