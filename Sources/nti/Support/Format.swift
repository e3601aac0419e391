internal import Foundation

/// Formats numbers for printed text, independent of the locale.
enum Format {
  /// Returns a number as in "1.24e-05".
  static func scientific(_ value: Double) -> String { String(format: "%.2e", value) }

  /// Returns a number as in "7.5" or "3".
  static func short(_ value: Double) -> String { String(format: "%g", value) }

  /// Returns a number as in "27.31".
  static func decimal(_ value: Double, places: Int = 2) -> String { String(format: "%.\(places)f", value) }

  /// Returns a level as in "27.31 dB".
  static func decibels(_ value: Double) -> String { value.isFinite ? "\(decimal(value)) dB" : "\(value) dB" }

  /// Returns a time as in "8.4 s", "12 min 30 s" or "2 h 5 min".
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    if seconds < 60 { return seconds < 10 ? "\(decimal(seconds, places: 1)) s" : "\(Int(seconds)) s" }
    let whole = Int(min(seconds, 1e12))
    return whole < 3600 ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole / 60 % 60) min"
  }

  /// Returns a short time as in "9 ms" or "5.1 s".
  static func pace(_ seconds: Double) -> String {
    seconds < 0.1 ? "\(decimal(1000 * seconds, places: 0)) ms" : duration(seconds)
  }

  /// Returns a range of times as in "10 to 35 s", "40 s to 3 min", "1 to 4 min" or "0.5 to 1.2 h".
  ///
  /// Times that differ by at most 10 % and 0.5 s give a single time, as in "8.4 s".
  static func duration(_ least: Double, to most: Double) -> String {
    guard least.isFinite, most.isFinite, least >= 0, most > 1.1 * least + 0.5 else {
      return duration(most.isFinite ? max(0, most) : most)
    }
    func minutes(_ seconds: Double) -> Int { Int((min(seconds, 1e12) / 60).rounded(.up)) }
    switch most {
    case ..<60: return "\(Int(least)) to \(Int(most.rounded(.up))) s"
    case ..<3600 where least < 60: return "\(Int(least)) s to \(minutes(most)) min"
    case ..<3600: return "\(Int(least / 60)) to \(minutes(most)) min"
    default: return "\(decimal(least / 3600, places: 1)) to \(decimal(most / 3600, places: 1)) h"
    }
  }

  /// Returns a size as in "27.3 MB".
  static func bytes(_ count: Int) -> String {
    let units = ["kB", "MB", "GB", "TB"]
    guard count >= 1000 else { return "\(count) bytes" }
    var (value, unit) = (Double(count) / 1000, 0)
    while value >= 999.95, unit + 1 < units.count {
      value /= 1000
      unit += 1
    }
    return "\(decimal(value, places: 1)) \(units[unit])"
  }

  /// Returns a count as in "8.8 million" or "12 thousand".
  static func count(_ count: Int) -> String {
    switch count {
    case 1_000_000...: "\(decimal(Double(count) / 1e6, places: 1)) million"
    case 10_000...: "\(count / 1000) thousand"
    default: "\(count)"
    }
  }
}
