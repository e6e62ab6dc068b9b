// The tests are compiled by tsc (build/test) and run against the compiled
// library (dist): nothing is transformed here.
export default {
  rootDir: '..',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/build/test/jest/**/*.test.js'],
  // make test-toolchain keeps whole copies of this tree.
  modulePathIgnorePatterns: ['<rootDir>/.toolchain/', '<rootDir>/build/toolchains/'],
  watchman: false,
  transform: {},
  // A safety net: on a busy machine what takes a second may take a minute.
  testTimeout: 180_000,
  maxWorkers: 2,
  setupFilesAfterEnv: process.env.NODE_V8_COVERAGE ? ['<rootDir>/test/coverage/jest-setup.mjs'] : [],
};
