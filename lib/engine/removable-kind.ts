/** The kinds of resources that an engine lists, removes and reports events of. */
export type RemovableKind = 'container' | 'network' | 'volume' | 'image';
