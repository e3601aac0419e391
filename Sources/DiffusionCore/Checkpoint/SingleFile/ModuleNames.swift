/// Returns the number of modules numbered from 0 under a path.
///
/// - Parameters:
///   - path: The common start of the modules' names.
///   - tensor: The name of a tensor that each module has.
///   - contains: Returns whether a tensor with this name exists.
func moduleCount(_ path: String, _ tensor: String, _ contains: (String) -> Bool) -> Int {
  (0...).first { !contains("\(path).\($0).\(tensor)") } ?? 0
}

/// The names of a network's modules in a file and in the diffusers layout.
///
/// A module name is the start of some tensor names, up to a dot.
struct ModuleNames: TensorNaming {
  /// Module names in the file, mapped to diffusers names.
  private(set) var names: [String: String] = [:]

  /// Adds a module.
  mutating func add(_ name: String, as diffusersName: String) { names[name] = diffusersName }

  /// Adds a module whose submodules are renamed too.
  mutating func add(_ name: String, as diffusersName: String, renaming modules: KeyValuePairs<String, String>)
  {
    for (module, newName) in modules { add("\(name).\(module)", as: "\(diffusersName).\(newName)") }
  }

  /// Module names of diffusers, mapped to names in the file.
  var inverse: ModuleNames {
    ModuleNames(names: Dictionary(names.map { ($1, $0) }) { first, _ in first })
  }

  /// Returns the mapped name of a tensor, from its longest known module prefix; nil if no module matches.
  func newName(of tensor: String) -> String? {
    var end = tensor.endIndex
    while let dot = tensor[..<end].lastIndex(of: ".") {
      if let name = names[String(tensor[..<dot])] { return name + tensor[dot...] }
      end = dot
    }
    return nil
  }

  func views(of name: String, shape: [Int]) -> [TensorView] {
    newName(of: name).map { [TensorView(name: $0, shape: shape)] } ?? []
  }
}
