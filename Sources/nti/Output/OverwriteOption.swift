internal import ArgumentParser

/// The option to replace the user's files.
struct OverwriteOption: ParsableArguments {
  @Flag(help: "Replace files that nti did not write, or that were changed since.")
  var force = false

  /// The option with `force` set, for files that are checked otherwise.
  static var always: OverwriteOption {
    var option = OverwriteOption()
    option.force = true
    return option
  }
}
