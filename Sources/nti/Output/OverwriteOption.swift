internal import ArgumentParser

/// Whether a command may replace files of the user's.
struct OverwriteOption: ParsableArguments {
  @Flag(help: "Replace files that nti did not write, or that were changed since.")
  var force = false

  /// For files that have been checked in another way.
  static var always: OverwriteOption {
    var option = OverwriteOption()
    option.force = true
    return option
  }
}
