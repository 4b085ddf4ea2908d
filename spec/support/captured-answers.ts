import type { RemovableKind } from '../../lib/core/kinds';

/**
 * An engine's response, with `<ref>` for the reference in the request and `<id>` for a container's full id.
 */
export interface CapturedAnswer {
  readonly status: number;
  readonly body: { readonly message: string; readonly cause?: string; readonly response?: number };
}

/** An engine's responses to the removal of one kind of resource. */
export interface RemovalAnswers {
  readonly gone: CapturedAnswer;
  /** Another client is removing it. */
  readonly beingRemoved?: CapturedAnswer;
  /** Another resource uses it, and may stop using it. */
  readonly busy?: CapturedAnswer;
  /** Refused, for a reason that does not pass. */
  readonly refused?: CapturedAnswer;
  /** The engine tried and failed. */
  readonly failed?: CapturedAnswer;
}

// Captured from Docker 20.10.24+dfsg1 (API 1.41, overlay2), Debian 12. `failed`: a file with chattr +i in it.
const docker: Record<RemovableKind, RemovalAnswers> = {
  container: {
    gone: { status: 404, body: { message: 'No such container: <ref>' } },
    beingRemoved: { status: 409, body: { message: 'removal of container <ref> is already in progress' } },
    refused: {
      status: 409,
      body: {
        message:
          'You cannot remove a running container <id>. Stop the container before attempting removal or force remove',
      },
    },
    failed: {
      status: 500,
      body: {
        message:
          'container <id>: driver "overlay2" failed to remove root filesystem: unlinkat /var/lib/docker/overlay2/<layer>/diff/stuck: operation not permitted',
      },
    },
  },
  network: {
    gone: { status: 404, body: { message: 'network <ref> not found' } },
    busy: {
      status: 403,
      body: { message: 'error while removing network: network <ref> id <id> has active endpoints' },
    },
    refused: { status: 403, body: { message: '<ref> is a pre-defined network and cannot be removed' } },
  },
  volume: {
    gone: { status: 404, body: { message: 'get <ref>: no such volume' } },
    busy: { status: 409, body: { message: 'remove <ref>: volume is in use - [<id>]' } },
    failed: {
      status: 500,
      body: {
        message:
          "remove <ref>: error removing volume path '/var/lib/docker/volumes/<ref>/_data': unlinkat /var/lib/docker/volumes/<ref>/_data/stuck: operation not permitted",
      },
    },
  },
  image: {
    gone: { status: 404, body: { message: 'No such image: <ref>' } },
    busy: {
      status: 409,
      body: {
        message:
          'conflict: unable to delete <image> (cannot be forced) - image is being used by running container <short id>',
      },
    },
    refused: {
      status: 409,
      body: {
        message: 'conflict: unable to delete <image> (cannot be forced) - image has dependent child images',
      },
    },
  },
};

// Captured from Podman 4.3.1 (its Docker API, overlay, CNI), Debian 12. It never reports a removal in
// progress.
const podman: Record<RemovableKind, RemovalAnswers> = {
  container: {
    gone: {
      status: 404,
      body: {
        cause: 'no such container',
        message: 'no container with name or ID "<ref>" found: no such container',
        response: 404,
      },
    },
    refused: {
      status: 500,
      body: {
        cause: 'container state improper',
        message:
          'cannot remove container <id> as it is running - running or paused containers cannot be removed without force: container state improper',
        response: 500,
      },
    },
    failed: {
      status: 500,
      body: {
        cause: 'operation not permitted',
        message:
          'removing container <id> root filesystem: 1 error occurred:\n\t* unlinkat /var/lib/containers/storage/overlay/<layer>/diff/stuck: operation not permitted\n\n',
        response: 500,
      },
    },
  },
  network: {
    gone: { status: 404, body: { cause: 'network not found', message: 'network not found', response: 404 } },
    busy: {
      status: 500,
      body: {
        cause: 'network is being used',
        message:
          '"<ref>" has associated containers with it. Use -f to forcibly delete containers and pods: network is being used',
        response: 500,
      },
    },
    refused: {
      status: 500,
      body: {
        cause: 'default network podman cannot be removed',
        message: 'default network podman cannot be removed',
        response: 500,
      },
    },
  },
  volume: {
    gone: {
      status: 404,
      body: {
        cause: 'no such volume',
        message: 'no volume with name "<ref>" found: no such volume',
        response: 404,
      },
    },
    busy: {
      status: 409,
      body: {
        cause: 'volume is being used',
        message: 'volume <ref> is being used by the following container(s): <id>: volume is being used',
        response: 409,
      },
    },
  },
  image: {
    gone: {
      status: 404,
      body: {
        cause: 'image not known',
        message: 'failed to find image <ref>: docker.io/<ref>: image not known',
        response: 404,
      },
    },
    busy: {
      status: 409,
      body: {
        cause: 'image is in use by a container',
        message:
          'image <ref> is in use: image used by <id>: image is in use by a container: consider listing external containers and force-removing image',
        response: 409,
      },
    },
    refused: {
      status: 500,
      body: {
        cause:
          'unable to delete image "<ref>" by ID with more than one tag ([<ref>:1 <ref>:2]): please force removal',
        message:
          'unable to delete image "<ref>" by ID with more than one tag ([<ref>:1 <ref>:2]): please force removal',
        response: 500,
      },
    },
  },
};

export const capturedAnswers = { docker, podman } as const;

/** Returns the response about `ref`. */
export function answerAbout(ref: string, { status, body }: CapturedAnswer): CapturedAnswer {
  const id = 'c0'.repeat(32);
  const values = {
    '<ref>': ref,
    '<id>': id,
    '<short id>': id.slice(0, 12),
    '<image>': 'de'.repeat(6),
    '<layer>': 'f0'.repeat(32),
  };
  const filled: CapturedAnswer['body'] = JSON.parse(JSON.stringify(body), (_key, value: unknown) => {
    if (typeof value !== 'string') return value;
    return Object.entries(values).reduce(
      (text, [placeholder, replacement]) => text.replaceAll(placeholder, replacement),
      value,
    );
  });
  return { status, body: filled };
}
