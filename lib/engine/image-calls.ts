import type Docker from 'dockerode';
import type { Answer, Engine } from './engine';
import { imageUrlPart } from './url-part';

/** What castoff reads of an image. */
export interface ImageFacts {
  readonly id: string;
  readonly tags: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** As a list shows it. */
export interface ListedImage extends ImageFacts {
  readonly createdAtMs: number;
}

/** As it is inspected. */
export interface InspectedImage extends ImageFacts {
  /** Whether it is certain that it has been given a name, be it one that it has lost since: Podman (4.3.1) never tells. */
  readonly hasHadName: boolean;
  /** When it was last given a name, in milliseconds since the epoch by the engine's clock, where it is known. */
  readonly taggedAtMs: number | undefined;
}

/**
 * Takes the name off an image, and removes the image with its last name. Not forced: force would take an image away from a
 * container, and other names with it. @see Engine API, ImageDelete
 */
export function removeImage(engine: Engine, name: string): Promise<Answer<unknown>> {
  return engine.ask('image.remove', name, (docker) => docker.getImage(imageUrlPart(name)).remove());
}

// Not in dockerode's types.
interface Tagged {
  readonly Metadata?: { readonly LastTagTime?: string };
}

function taggedAtOf({ Metadata }: Tagged): number | undefined {
  const at = Date.parse(Metadata?.LastTagTime ?? '');
  // Docker's for never: 0001-01-01T00:00:00Z.
  return at > 0 ? at : undefined;
}

export function inspectImage(engine: Engine, name: string): Promise<Answer<InspectedImage>> {
  return engine.ask('image.inspect', name, async (docker) => {
    const image: Docker.ImageInspectInfo & Tagged = await docker.getImage(imageUrlPart(name)).inspect();
    return {
      id: image.Id,
      tags: image.RepoTags ?? [],
      labels: image.Config?.Labels ?? {},
      hasHadName: taggedAtOf(image) !== undefined,
      taggedAtMs: taggedAtOf(image),
    };
  });
}

/** One step of the history of an image. */
export interface ImageStep {
  /** The image that the step made, where the engine has it still. */
  readonly id: string;
  readonly createdBy: string;
  readonly comment: string;
}

interface HistoryStep {
  readonly Id?: string;
  readonly CreatedBy?: string;
  readonly Comment?: string;
}

/** The steps in which an image was made, newest first. @see Engine API, ImageHistory */
export function readImageHistory(engine: Engine, id: string): Promise<Answer<readonly ImageStep[]>> {
  return engine.ask('image.history', id, async (docker) => {
    const steps: unknown = await docker.getImage(imageUrlPart(id)).history();
    return (steps as readonly HistoryStep[]).map((step) => ({
      id: step.Id ?? '',
      createdBy: step.CreatedBy ?? '',
      comment: step.Comment ?? '',
    }));
  });
}

/** So Docker lists an image without a name; asked for it, it says 400. */
const noName = '<none>:<none>';

export function listImages(
  engine: Engine,
  labels: readonly string[],
): Promise<Answer<readonly ListedImage[]>> {
  return engine.ask('image.list', labels.join(' '), async (docker) => {
    const images = await docker.listImages({ filters: { label: [...labels] } });
    return images.map((image) => ({
      id: image.Id,
      tags: (image.RepoTags ?? []).filter((tag) => tag !== noName),
      labels: image.Labels ?? {},
      createdAtMs: image.Created * 1_000,
    }));
  });
}
