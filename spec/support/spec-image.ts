/** The image that docker/images.sh builds: a static busybox. */
export const specImage = 'castoff-spec/busybox:1';

/** Runs until it is killed, and exits immediately on SIGTERM. */
export const sleeper = ['sh', '-c', "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"];
