public import DiffusionCore
internal import Foundation

/// The results of one record of a benchmark.
public struct EvaluationResult: Sendable, Equatable, Codable {
  /// The record's name.
  public var id: String
  /// Where it stands in the benchmark, from 0.
  public var index: Int
  /// Its kind of edit.
  public var category: String
  /// Identifies what the record says and its picture.
  public var recordFingerprint: String
  /// Identifies the settings that it was computed with.
  public var settingsFingerprint: String
  /// The numbers that it is judged by; those that don't apply are absent.
  public var metrics: [EvaluationMetric: Double]
  /// Inner iterations of the inversion.
  public var innerSteps: Int
  /// Network evaluations of the inversion.
  public var inversion: EvaluationCount
  /// Network evaluations of the edit.
  public var edit: EvaluationCount
  var inversionSeconds: Double
  var editSeconds: Double
  /// What of the record was left out, in sentences.
  public var notes: [String]
  /// Where it was computed.
  public var environment: Environment

  /// The time of the inversion; `inversionSeconds` in the JSON.
  public var inversionDuration: Duration { .seconds(inversionSeconds) }
  /// The time of the edit; `editSeconds` in the JSON.
  public var editDuration: Duration { .seconds(editSeconds) }

  /// Where a result was computed.
  public struct Environment: Sendable, Equatable, Codable {
    /// The version of this library.
    public var libraryVersion: String
    /// Name and version of the operating system.
    public var system: String
    /// The number of processors.
    public var processors: Int

    /// This process's.
    static var current: Environment {
      let process = ProcessInfo.processInfo
      return Environment(
        libraryVersion: NullTextInversion::libraryVersion, system: process.operatingSystemVersionString,
        processors: process.activeProcessorCount)
    }
  }
}
