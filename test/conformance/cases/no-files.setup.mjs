delete globalThis.StorageManager?.prototype.getDirectory;
