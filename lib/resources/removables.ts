import { container } from './container';
import { image } from './image';
import type { RemovableKind } from '../core/kinds';
import type { Removable } from './kind';
import { network } from './network';
import { volume } from './volume';

/** How to inspect and remove each kind. */
export const removables: Record<RemovableKind, Removable> = { container, network, volume, image };
