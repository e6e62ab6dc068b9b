// The tests are compiled by tsc (build/test) and run against the compiled
// library (dist): nothing is transformed here.
export default {
  rootDir: '..',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/build/test/jest/**/*.test.js'],
  modulePathIgnorePatterns: ['<rootDir>/.toolchain/'],
  watchman: false,
  transform: {},
  testTimeout: 60_000,
  maxWorkers: 2,
};
