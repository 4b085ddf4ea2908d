import type { RemovableKind } from '../core/kinds';
import { labelNames, ryukLabel } from '../core/labels';
import type { ProjectLocation } from '../resources/project-folder';

/** The effect of a docker, podman or Compose command that creates, stops or removes resources. */
export type CommandMeaning =
  | {
      readonly type: 'create';
      readonly kind: RemovableKind;
      readonly name?: string | undefined;
      readonly hasFixedNameOrPort: boolean;
      readonly isAutoRemoved?: boolean | undefined;
      /** The index in the arguments at which flags can be inserted. */
      readonly flagsAt: number;
      /** Names of the labels that the command itself sets. */
      readonly ownLabels: readonly string[];
      /** The names that it gives to an image. Default: none. */
      readonly tags?: readonly string[] | undefined;
      /** Set when labels are Dockerfile instructions (`--change`), for an import or a commit. */
      readonly changes?: { readonly hasMessage: boolean } | undefined;
    }
  /** Gives names to an image that exists. */
  | { readonly type: 'tag'; readonly names: readonly string[] }
  | { readonly type: 'up' | 'down'; readonly project: string }
  /** The project takes its name from its folder or Compose file. */
  | { readonly type: 'up-unnamed' | 'down-unnamed'; readonly at: ProjectLocation }
  | {
      readonly type: 'remove';
      /** Set when the resources are containers. */
      readonly teardown?: ContainerTeardown | undefined;
    };

/** The effect of a command that creates a resource with flags of its own. */
export type Creation = Extract<CommandMeaning, { type: 'create' }>;

/** The containers that a command stops, kills or removes. */
export interface ContainerTeardown {
  readonly verb: 'stop' | 'kill' | 'remove';
  readonly refs: readonly string[];
  /** Whether a removal includes the anonymous volumes. */
  readonly removesVolumes: boolean;
  /** Default: the engine's. */
  readonly graceMs?: number | undefined;
}

/** Whether a label of that name shows that a command is castoff's own, or creates a reaper. */
export function isReserved(label: string): boolean {
  return label === labelNames.session || label === ryukLabel || label === labelNames.reaper;
}
