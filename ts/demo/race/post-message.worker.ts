// SPDX-License-Identifier: MIT
onmessage = ({ data }: MessageEvent<number>) => postMessage(2 * data);
