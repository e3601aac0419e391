internal import ArgumentParser

@main
struct NTI: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "nti")
}
