public import DiffusionCore
internal import Foundation

/// The results of one record of a benchmark.
public struct EvaluationResult: Sendable, Equatable, Codable {
  /// The name of the record.
  public var id: String
  /// The index of the record in the benchmark, from 0.
  public var index: Int
  /// The kind of edit.
  public var category: String
  /// The fingerprint of the record and its pictures.
  public var recordFingerprint: String
  /// The fingerprint of the settings.
  public var settingsFingerprint: String
  /// The metrics; those that do not apply are absent.
  public var metrics: [EvaluationMetric: Double]
  /// The number of inner iterations of the inversion.
  public var innerSteps: Int
  /// The network evaluations of the inversion.
  public var inversion: EvaluationCount
  /// The network evaluations of the edit.
  public var edit: EvaluationCount
  var inversionSeconds: Double
  var editSeconds: Double
  /// Notes on blended words of the record that were left out.
  public var notes: [String]
  /// The environment in which the result was computed.
  public var environment: Environment

  /// The time of the inversion; `inversionSeconds` in the JSON.
  public var inversionDuration: Duration { .seconds(inversionSeconds) }
  /// The time of the edit; `editSeconds` in the JSON.
  public var editDuration: Duration { .seconds(editSeconds) }

  /// The library, system and machine that computed a result.
  public struct Environment: Sendable, Equatable, Codable {
    /// The version of this library.
    public var libraryVersion: String
    /// The name and version of the operating system.
    public var system: String
    /// The number of processors.
    public var processors: Int

    /// The environment of this process.
    static var current: Environment {
      let process = ProcessInfo.processInfo
      return Environment(
        libraryVersion: NullTextInversion::libraryVersion, system: process.operatingSystemVersionString,
        processors: process.activeProcessorCount)
    }
  }
}
