/** What an engine has, lists, tells events of, and can remove. */
export type RemovableKind = 'container' | 'network' | 'volume' | 'image';
